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
// What it knows is what was committed when it began, and what it has decided since.
//
// One goroutine owns it. Fetching, learning, looking at the shards and committing go on beside it, in the background, and send it
// what they have: so nothing that a run waits for keeps it from deciding, and what it decides while a transaction is under way is
// committed by one.
type term struct {
	*Controller
	topics [inputCount]string // by input

	// at are the next offsets to decide on, by input. Invariant: between two turns every record of the input below it is
	// decided on.
	at [inputCount]int64

	// Invariant: decisions are committed in their order, each together with the offset behind its record.
	undone     []decided   // not committed yet
	committing int         // so many of them are being committed, the first; 0: no transaction is under way
	commits    chan commit // from the transaction under way
	sure       int64       // the offset of the requests that is committed

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
		updates: make(chan update, updatesAhead*max(c.Learners, 1)), commits: make(chan commit), looks: looks{found: make(chan looked)},
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
	t.take(t.state.segmentStates()...)
	for _, e := range t.state.underWay() {
		if e.Run.Committed {
			t.follow(e)
		} else {
			t.start(restart(e, now()))
		}
	}
	t.advance(ctx)
	return t.settle(ctx)
}

// turn waits for what comes next and decides on it: records, an update of a run that learns, a look at the shards, or the
// time for a heartbeat, a look or a slot of a schedule. Then it gives whoever may begin a turn, and begins to commit what was
// decided. New records wait for the transaction that is under way.
func (t *term) turn(ctx context.Context) error {
	var alarm <-chan time.Time
	if at, due := t.nextAlarm(); due {
		alarm = time.After(max(0, time.Until(at)))
	}
	batches := t.batches
	if t.committing > 0 {
		batches = nil
	}
	var err error
	select {
	case batch := <-batches:
		err = t.decide(ctx, batch)
	case done := <-t.commits:
		err = t.committed(done)
	case u := <-t.updates:
		t.handle(u)
	case found := <-t.looks.found:
		t.handleLook(found)
	case <-alarm:
		if at, due := t.lookDue(); due && !time.Now().Before(at) {
			t.look(ctx)
		}
		t.take(t.state.scheduled(now())...)
		t.beat()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	t.advance(ctx)
	t.flush(ctx)
	return nil
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
func (t *term) advance(ctx context.Context) {
	for e := t.state.next(t.waits); e != nil; e = t.state.next(t.waits) {
		t.start(t.state.start(e, now()))
	}
	t.learnNext(ctx)
	t.rest()
}

// start takes in the beginning of a run. A deletion, of which nothing is learned, is then past the point of no return.
func (t *term) start(begun step) {
	t.take(begun)
	if e := begun.expansion; interruptible(e) && e.Run.Request.Action == schemas.Delete {
		t.take(t.state.commit(e, nil, schemas.Definition{}, now()))
	}
}

// decide decides on what was fetched, record by record. What is much is committed on the way.
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
			t.decided(input, r.Offset+1, decided)
			if len(t.undone) < mostTogether {
				return nil
			}
			return t.settle(ctx)
		}, func(d *wire.Damage) error { return t.passOver(input, d) })
		if err != nil {
			return fmt.Errorf("%s at %d: %w", f.Topic, next, err)
		}
		t.at[input] = max(t.at[input], next)
		switch {
		case input == segmentsInput:
			t.take(t.state.segmentStates()...)
		case input == fieldsInput:
			t.declared(t.at[input], nil)
		}
	}
	return nil
}

// decided takes in a decision on a record of an input with the offset behind it.
func (t *term) decided(input int, next int64, decided step) {
	t.at[input] = next
	switch {
	case input == segmentsInput: // every term reads segments from their start: no offset is kept
	case input == fieldsInput && len(decided.letters) == 0:
		// Reading a declaration again changes nothing: its offset comes with those of others.
	case input == fieldsInput:
		t.declared(next, decided.letters)
	default:
		t.takeAt(input, next, decided)
	}
}

// declared takes in up to where declarations of fields were read, with the dead letters of the last one, unless an earlier term
// has done so.
func (t *term) declared(next int64, letters []schemas.DeadLetter) {
	if next > t.told {
		t.told = next
		t.takeAt(fieldsInput, next, step{letters: letters})
	}
}

// passOver makes a dead letter of what cannot be read of an input. A segment's record is the router's: one that has a key makes
// that segment unreadable, and nobody knows what else is lost.
func (t *term) passOver(input int, d *wire.Damage) error {
	if input == segmentsInput {
		return visitDamaged(d, t.state.learnSegment)
	}
	t.Log.Warn("what cannot be read is passed over", "topic", t.topics[input], "from", d.Offset, "to", d.Next, "error", d.Err)
	letter := schemas.LetterOf(t.topics[input], 0, d, schemas.LetterControl, now())
	t.decided(input, d.Next, step{letters: []schemas.DeadLetter{letter}})
	return nil
}
