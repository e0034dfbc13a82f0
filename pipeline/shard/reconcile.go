package shard

import (
	"context"
)

// reconcileTouched reconciles the rows that records have changed and publishes the differences, of an expansion after those
// whose members it uses. Newest first: older records of the same row then find no difference, so that the last one is the cause.
func (o *Owner) reconcileTouched(ctx context.Context) error {
	for _, e := range o.inOrder {
		o.prepare(e)
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

// reconcile compares what a row should be with what was published last and puts the difference into the outbox. The
// state counts as published at once; if the publication fails it becomes unknown.
func (o *Owner) reconcile(e *expansion, row, score int, c cause) {
	should := e.decide(o.mirror, row, score)
	was := e.published.Get(row)
	told := was
	if o.told != nil {
		told = o.told.get(e.id, row, was)
	}
	if should == was && should == told {
		return
	}
	e.published.Set(row, should)
	if o.told != nil {
		o.told.set(e.id, row, should)
	}
	o.out.add(o.mirror.ID(row), e, row, was, told, should, c.of(e))
}

// mayRelease notes a row without a profile. It is freed after the next publication, if nothing else needs it then.
func (o *Owner) mayRelease(row int) {
	if o.mirror.InUse(row) && !o.mirror.HasProfile(row) {
		o.releasable = append(o.releasable, int32(row))
	}
}

// release frees the rows noted by mayRelease that are in no segment and have no published state, once the log of changes does not
// name them as members either.
func (o *Owner) release() {
	if o.told != nil {
		return
	}
	for _, row := range o.releasable {
		o.mirror.Release(int(row)) // refuses a row with a state, unknown included
	}
	o.releasable = o.releasable[:0]
}
