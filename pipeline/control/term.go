package control

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kindred/pipeline/learn"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// term is one term of the controller: from the fencing of the one before to the end of its group generation, or to an error.
// What it knows is what was committed when it began, and what it has committed since.
//
// One goroutine owns it. Fetching, learning and looking at the shards go on beside it, in the background, and send it what they
// have: so nothing that a run waits for keeps it from deciding on requests.
type term struct {
	*Controller
	topics [inputCount]string // by input

	// at are the next offsets to decide on, by input. Invariant: between two turns every record of the input below it is
	// decided on, and what was decided is committed.
	at [inputCount]int64

	// told is up to where the declarations of fields have been read by this term or an earlier one: what is wrong with those
	// before is a dead letter already.
	told int64

	state      *state
	attempts   map[string]*attempt // the runs under way, by expansion
	begun      int                 // attempts so far
	batches    chan []wire.Fetched // from fetch
	updates    chan update         // from the runs that learn
	shared     *learn.Shared       // by those who learn now or next; nil: nobody does
	rests      time.Time           // until when it is kept for runs that wait for room
	looks      looks               // at the shards
	background sync.WaitGroup
}

// begin starts a term: it fences the one before, and then restores what that one has committed.
func (c *Controller) begin(ctx context.Context, group Group) (*term, error) {
	t := &term{
		Controller: c, state: newState(), attempts: map[string]*attempt{}, batches: make(chan []wire.Fetched),
		updates: make(chan update), looks: looks{found: make(chan looked)},
	}
	t.state.presets, t.state.learners = c.Presets, max(c.Learners, 1)
	for input, name := range [inputCount]string{schemas.ExpandRequests, schemas.DataEvents, schemas.Segments, schemas.Fields} {
		t.topics[input] = c.Prefix.Topic(name)
	}
	if err := c.Transactions.Fence(ctx); err != nil {
		return nil, err
	}
	if err := t.restore(ctx, group); err != nil {
		return nil, err
	}
	c.Log.Info("controlling expansions", "expansions", len(t.state.expansions), "offset", t.at[requestsInput])
	return t, nil
}

// resume takes up the runs that an earlier term has left: it waits for the shards when a run is committed, else the run begins
// anew.
func (t *term) resume(ctx context.Context) error {
	if err := t.commit(ctx, t.state.segmentStates()...); err != nil {
		return err
	}
	for _, e := range t.state.underWay() {
		if e.Run.Committed {
			t.follow(e)
		} else if err := t.start(ctx, restart(e, now())); err != nil {
			return err
		}
	}
	return t.advance(ctx)
}

// turn waits for what comes next and decides on it: records, an update of a run that learns, a look at the shards, or the
// time for a heartbeat, a look or a slot of a schedule. Then it gives whoever may begin a turn.
func (t *term) turn(ctx context.Context) error {
	var alarm <-chan time.Time
	if at, due := t.nextAlarm(); due {
		alarm = time.After(max(0, time.Until(at)))
	}
	var err error
	select {
	case batch := <-t.batches:
		err = t.decide(ctx, batch)
	case u := <-t.updates:
		err = t.handle(ctx, u)
	case found := <-t.looks.found:
		err = t.handleLook(ctx, found)
	case <-alarm:
		if at, due := t.lookDue(); due && !time.Now().Before(at) {
			t.look(ctx)
		}
		if err = t.commit(ctx, t.state.scheduled(now())...); err == nil {
			err = t.beat(ctx)
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return t.advance(ctx)
}

// nextAlarm returns when the next heartbeat, look or slot is due. It reports false when none will be.
func (t *term) nextAlarm() (at time.Time, due bool) {
	at, due = t.lookDue()
	if slot, comes := t.state.nextSlot(now()); comes && (!due || slot.Before(at)) {
		at, due = slot, true
	}
	for _, a := range t.attempts {
		if beat := a.beatDue(); !due || beat.Before(at) {
			at, due = beat, true
		}
	}
	return at, due
}

// advance gives every request its turn that can have it now, and lets the next runs learn. A turn may end as soon as it begins.
func (t *term) advance(ctx context.Context) error {
	defer t.rest()
	for e := t.state.next(t.waits); e != nil; e = t.state.next(t.waits) {
		if err := t.start(ctx, t.state.start(e, now())); err != nil {
			return err
		}
	}
	return t.learnNext(ctx)
}

// start commits the beginning of a run. A deletion, of which nothing is learned, is then committed itself.
func (t *term) start(ctx context.Context, begun step) error {
	if err := t.commit(ctx, begun); err != nil {
		return err
	}
	if e := begun.expansion; interruptible(e) && e.Run.Request.Action == schemas.Delete {
		return t.commit(ctx, t.state.commit(e, nil, schemas.Definition{}, now()))
	}
	return nil
}

// decide decides on what was fetched, and commits that, record by record.
func (t *term) decide(ctx context.Context, batch []wire.Fetched) error {
	for i := range batch {
		f := &batch[i]
		input := t.input(f.Topic)
		if f.Skipped() > 0 && input != fieldsInput {
			t.Log.Warn("records were deleted before they were read", "topic", f.Topic, "from", f.Offset, "to", f.Start)
		}
		if input == fieldsInput && f.HighWatermark < t.told {
			t.told = 0 // the topic was created anew
		}
		next, err := wire.EachReadable(ctx, t.Reader, f, func(r *wire.Record) error {
			decided, err := t.decideOn(input, r)
			if err != nil {
				return err
			}
			return t.decided(ctx, input, r.Offset+1, decided)
		}, func(d *wire.Damage) error { return t.passOver(ctx, input, d) })
		if err != nil {
			return fmt.Errorf("%s at %d: %w", f.Topic, next, err)
		}
		t.at[input] = max(t.at[input], next)
		switch {
		case input == segmentsInput:
			err = t.commit(ctx, t.state.segmentStates()...)
		case input == fieldsInput:
			err = t.declared(ctx, t.at[input], nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decided commits a decision on a record of an input with the offset behind it.
func (t *term) decided(ctx context.Context, input int, next int64, decided step) error {
	t.at[input] = next
	switch {
	case input == segmentsInput:
		return nil // every term reads segments from their start: no offset is kept
	case input == fieldsInput && len(decided.letters) == 0:
		return nil // reading a declaration again changes nothing: its offset is committed with those of others
	case input == fieldsInput:
		return t.declared(ctx, next, decided.letters)
	}
	return t.commitAt(ctx, input, decided)
}

// declared commits up to where declarations of fields were read, with the dead letters of the last one, unless an earlier term
// has done so.
func (t *term) declared(ctx context.Context, next int64, letters []schemas.DeadLetter) error {
	if next <= t.told {
		return nil
	}
	t.told = next
	return t.commitAt(ctx, fieldsInput, step{letters: letters})
}

// passOver makes a dead letter of what cannot be read of an input. A segment's record is the router's: one that has a key makes
// that segment unreadable, and nobody knows what else is lost.
func (t *term) passOver(ctx context.Context, input int, d *wire.Damage) error {
	if input == segmentsInput {
		return visitDamaged(d, t.state.learnSegment)
	}
	t.Log.Warn("what cannot be read is passed over", "topic", t.topics[input], "from", d.Offset, "to", d.Next, "error", d.Err)
	letter := schemas.LetterOf(t.topics[input], 0, d, schemas.LetterControl, now())
	return t.decided(ctx, input, d.Next, step{letters: []schemas.DeadLetter{letter}})
}
