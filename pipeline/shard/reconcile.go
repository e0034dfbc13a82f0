package shard

import (
	"context"
)

// reconcileTouched publishes what the rows changed by the last batch make different. Of several records about a row the
// last one is told as the cause: it comes first here, and leaves nothing to tell for the others.
func (o *Owner) reconcileTouched(ctx context.Context) error {
	for _, e := range o.inOrder {
		e.prepare(o.mirror)
	}
	touched := o.touched
	o.touched, o.spare = o.spare[:0], touched // a publication that is abandoned appends its rows
	for i := len(touched) - 1; i >= 0; i-- {
		t := &touched[i]
		for _, e := range o.inOrder {
			o.reconcile(e, int(t.row), e.score(o.mirror, int(t.row)), t.cause)
		}
		o.mayRelease(int(t.row))
		if o.out.full() {
			if err := o.publish(ctx); err != nil {
				o.touched = append(o.touched, touched[:i]...)
				return err
			}
		}
	}
	return o.publish(ctx)
}

// reconcile compares what a row should be with what was published last and notes the difference for the next
// publication. The state counts as published at once; if the publication fails it becomes unknown.
func (o *Owner) reconcile(e *expansion, row, score int, c cause) {
	should := e.decide(o.mirror, row, score)
	was := e.published.Get(row)
	if should == was {
		return
	}
	e.published.Set(row, should)
	o.out.add(o.mirror.ID(row), e, row, was, should, c)
}

// mayRelease notes a row that perhaps nothing names any more. It is freed when what was published of it is certain.
func (o *Owner) mayRelease(row int) {
	if o.mirror.InUse(row) && !o.mirror.HasProfile(row) {
		o.bare = append(o.bare, int32(row))
	}
}

func (o *Owner) release() {
	for _, row := range o.bare {
		o.mirror.Release(int(row)) // not while it has a state, unknown included
	}
	o.bare = o.bare[:0]
}
