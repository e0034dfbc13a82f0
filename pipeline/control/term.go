package control

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// term is one term of the controller: from the fencing of the one before to the end of its group generation, or to an error.
// What it knows is what was committed when it began, and what it has committed since.
//
// One goroutine owns it. Fetching and the work of a run go on beside it, in the background, and send it what they have.
type term struct {
	*Controller
	topics [inputCount]string // by input

	// at are the next offsets to decide on, by input. Invariant: between two turns every record of the input below it is
	// decided on, and what was decided is committed.
	at [inputCount]int64

	state      *state
	batches    chan []wire.Fetched // from fetch
	updates    chan update         // from the work of the run
	running    running
	lastEvent  schemas.Run // of the run under way: committed, or left for the next heartbeat
	reportedAt time.Time   // when an event of that run was last committed
	background sync.WaitGroup
}

// begin starts a term: it fences the one before, and then restores what that one has committed.
func (c *Controller) begin(ctx context.Context, group Group) (*term, error) {
	t := &term{Controller: c, state: newState(), batches: make(chan []wire.Fetched), updates: make(chan update)}
	for input, name := range [inputCount]string{schemas.ExpandRequests, schemas.DataEvents, schemas.Segments} {
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

// resume takes up the run that an earlier term has left: it waits for the shards when the run is committed, else the run
// begins anew.
func (t *term) resume(ctx context.Context) error {
	if err := t.commit(ctx, t.state.segmentStates()...); err != nil {
		return err
	}
	e := t.state.active()
	if e == nil {
		return t.advance(ctx)
	}
	if e.Run.Committed {
		t.lastEvent = processing(e, schemas.Publishing, publishingFrom, "")
		t.follow(ctx)
		return nil
	}
	return t.commit(ctx, restart(e, now()))
}

// turn waits for what comes next and decides on it: records, an update of the run under way, or the time for a heartbeat.
func (t *term) turn(ctx context.Context) error {
	var beat <-chan time.Time
	if t.running.cancel != nil {
		beat = time.After(max(0, heartbeat-time.Since(t.reportedAt)))
	}
	var err error
	select {
	case batch := <-t.batches:
		err = t.decide(ctx, batch)
	case u := <-t.updates:
		err = t.handle(ctx, u)
	case <-beat:
		err = t.report(ctx, t.lastEvent)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return t.advance(ctx)
}

// decide decides on what was fetched, and commits that, record by record.
func (t *term) decide(ctx context.Context, batch []wire.Fetched) error {
	var ends *schemas.Ends // found once, after the fetch: so it is not below what came before any of its requests
	for _, f := range batch {
		input := t.input(f.Topic)
		if f.Skipped() > 0 {
			t.Log.Warn("records were deleted before they were read", "topic", f.Topic, "from", f.Offset, "to", f.Start)
		}
		next, err := f.Each(func(r *wire.Record) error {
			decided, err := t.decideOn(ctx, input, r, &ends)
			if err != nil {
				return err
			}
			t.at[input] = r.Offset + 1
			if input == segmentsInput {
				return nil // every term reads segments from their start: no offset is kept
			}
			return t.commitAt(ctx, input, decided)
		})
		if err != nil {
			return fmt.Errorf("%s at %d: %w", f.Topic, next, err)
		}
		t.at[input] = max(t.at[input], next)
		if input == segmentsInput {
			if err := t.commit(ctx, t.state.segmentStates()...); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance gives the next request its turn when no run is under way. A turn may end as soon as it begins.
func (t *term) advance(ctx context.Context) error {
	for t.state.active() == nil {
		e := t.state.next()
		if e == nil {
			return nil
		}
		if err := t.commit(ctx, start(e, now())); err != nil {
			return err
		}
	}
	return nil
}
