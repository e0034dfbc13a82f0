package shard

import (
	"context"
	"math"
	"slices"
	"time"

	"kindred/pipeline/cache"
)

// A slice of a pass ends after so many blocks, or with so many bytes to publish, or when a batch is waiting: live events
// wait for a millisecond or two of work and one small publication at most. But it has one block at least: passes advance in
// every turn, however many live events wait.
const (
	sliceBlocks = 16
	sliceBytes  = 128 << 10
)

// pass reconciles every row for some expansions, a slice at a time between live events. A crash repeats a pass that is
// not over, and repeating it publishes nothing for the rows it has been through.
type pass struct {
	scopes []scope
	block  int // next block

	// Offsets of the records that started it, by input.
	// Invariant: the offset of an input that is saved is not past its one until the last slice has been acknowledged.
	held [inputCount]int64
}

const unheld = math.MaxInt64 // no record of this input has started the pass

// newPass returns a pass that the record at an offset of an input starts.
func newPass(input int, at int64) *pass {
	p := new(pass)
	for i := range p.held {
		p.held[i] = unheld
	}
	p.held[input] = at
	return p
}

// scope is an expansion that a pass reconciles, and the cause that its records will name.
type scope struct {
	*expansion
	cause
	model bool // the pass of its model, whose progress the controller waits for
}

// modelPass starts the pass of a new model, and of the expansions that use its members, which learn from it row by row. It
// takes its expansion out of older passes, which it makes needless.
func (o *Owner) modelPass(e *expansion, held int64, c cause) {
	for _, p := range o.passes {
		p.scopes = slices.DeleteFunc(p.scopes, func(s scope) bool { return s.id == e.id })
	}
	e.progress.PassDone, e.progress.PassOf = 0, 1
	p := newPass(modelsInput, held)
	p.scopes = append(p.scopes, scope{e, c, true})
	p.add(o.affected(e.id), c)
	o.passes = append(o.passes, p)
}

// segmentPass starts the pass of a snapshot that has replaced a segment's members.
func (o *Owner) segmentPass(segment string, held int64, c cause) {
	p := newPass(segmentsInput, held)
	p.add(o.affected(segment), c)
	o.passes = append(o.passes, p)
}

// repairPass reconciles everything, since a field has changed as a whole.
func (o *Owner) repairPass() {
	if slices.ContainsFunc(o.passes, func(p *pass) bool { return p.held[membershipsInput] != unheld && p.block == 0 }) {
		return // one is about to begin
	}
	o.passes = append(o.passes, o.wholePass())
}

// firstPass reconciles everything, since what was read while taking over has not been. It takes the place of the passes that this
// reading has started, or an earlier generation, so that each row is scored once: each expansion has the cause of the first of
// them that names it.
func (o *Owner) firstPass() {
	all := o.wholePass()
	for _, p := range o.passes {
		for i, held := range p.held {
			all.held[i] = min(all.held[i], held)
		}
	}
	for i := range all.scopes {
		for _, p := range o.passes {
			if k := slices.IndexFunc(p.scopes, func(s scope) bool { return s.id == all.scopes[i].id }); k >= 0 {
				all.scopes[i] = p.scopes[k]
				break
			}
		}
	}
	o.passes = append(o.passes[:0], all)
}

// wholePass returns a pass of all expansions. It holds back the offset of memberships, so that whoever waits until they are read
// waits for what this pass publishes, too.
func (o *Owner) wholePass() *pass {
	at := o.inputs.at[membershipsInput]
	p := newPass(membershipsInput, at)
	p.add(o.inOrder, cause{byRepair, membershipsInput, at, time.Now().UnixMilli()})
	return p
}

// reconciled reports whether all rows of an expansion are published as its model decides, but for those that have just been
// touched.
func (o *Owner) reconciled(id string) bool {
	in := func(s scope) bool { return s.id == id }
	return o.caughtUp.Load() && o.told == nil && !slices.ContainsFunc(o.passes, func(p *pass) bool { return slices.ContainsFunc(p.scopes, in) })
}

// add appends expansions whose models are not new.
func (p *pass) add(expansions []*expansion, c cause) {
	for _, e := range expansions {
		p.scopes = append(p.scopes, scope{e, c, false})
	}
}

// continuePass does the next slice of the oldest pass.
func (o *Owner) continuePass(ctx context.Context) error {
	if len(o.passes) == 0 {
		return nil
	}
	p := o.passes[0]
	for n := range sliceBlocks {
		waiting := n > 0 && len(o.inputs.queue) > 0
		if p.block*cache.BlockRows >= o.mirror.Rows() || o.out.size() >= sliceBytes || waiting || len(o.touched) > 0 {
			break
		}
		if err := o.passBlock(ctx, p); err != nil {
			return err
		}
	}
	if err := o.publish(ctx); err != nil {
		return err
	}
	rows := o.mirror.Rows()
	for _, s := range p.scopes {
		if s.model {
			s.progress.PassDone, s.progress.PassOf = p.block, rows/cache.BlockRows+1
		}
	}
	if p.block*cache.BlockRows < rows || len(o.touched) > 0 {
		return nil
	}
	o.passes = slices.Delete(o.passes, 0, 1) // and let go of its models
	for _, s := range p.scopes {
		if s.model {
			o.settle(s.expansion)
		}
	}
	if len(o.passes) == 0 {
		o.allTold()
	}
	return nil
}

// passBlock reconciles the rows of the next block, an expansion at a time: scoring many rows at once is far quicker. It ends
// early when a publication is abandoned: the next expansion may use the members whose states are unknown now. Their rows come
// first, and then the block again.
func (o *Owner) passBlock(ctx context.Context, p *pass) error {
	first := p.block * cache.BlockRows
	rows, width := o.mirror.Block(p.block), o.mirror.Width()
	scores := o.scores[:len(rows)/width]
	for _, s := range p.scopes {
		o.prepare(s.expansion)
		s.scoreBlock(rows, width, scores)
		states, least := s.published.Block(p.block), s.least()
		for i, score := range scores {
			if int(score) < least && states.None(i) && !o.told.has(s.id, first+i) {
				continue // no member before and after, as most are
			}
			o.reconcile(s.expansion, first+i, int(score), s.cause)
			if o.out.full() {
				if err := o.publish(ctx); err != nil || len(o.touched) > 0 {
					return err
				}
			}
		}
	}
	for i := range scores {
		if !cache.HasProfile(rows[i*width:]) {
			o.mayRelease(first + i)
		}
	}
	p.block++
	return nil
}

// settle ends the pass of a model, or does without: every row has been reconciled, and Kafka has acknowledged what that
// published. The model is saved only now, with the offset behind its record: until then a crash repeats the pass.
func (o *Owner) settle(e *expansion) {
	e.progress.PassDone = e.progress.PassOf
	o.mirror.SetModel(e.id, e.model.Raw)
	if e.model.Deleted {
		o.mirror.Forget(e.id)
	}
	o.saving.hurry()
}
