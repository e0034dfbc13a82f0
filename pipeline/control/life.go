package control

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// The topics that a life follows, in the order of their place in life.at.
const (
	requestsInput = iota
	eventsInput
	segmentsInput
	inputCount
)

// life is one life of the controller: what it knows is what Kafka told when it began, and what it has committed since.
// One goroutine owns it. The reading of topics and the work of a run go on beside it and speak to it over channels.
type life struct {
	*Controller
	topics [inputCount]string
	from   [inputCount]int64 // where reading begins
	at     [inputCount]int64 // next offset to decide on
	state  *state

	batches    chan []wire.Fetched
	words      chan word
	running    running
	last       schemas.Run // the last event of the run that is under way
	told       time.Time   // when it was written
	background sync.WaitGroup
}

// begin fences the older life, and then reads how far it had got and what it had decided.
func (c *Controller) begin(ctx context.Context, group Group) (*life, error) {
	l := &life{Controller: c, state: newState(), batches: make(chan []wire.Fetched), words: make(chan word)}
	for i, name := range [inputCount]string{schemas.ExpandRequests, schemas.DataEvents, schemas.Segments} {
		l.topics[i] = c.Prefix.Topic(name)
	}
	if err := c.Transactions.Fence(ctx); err != nil {
		return nil, err
	}
	if err := l.remember(ctx); err != nil {
		return nil, err
	}
	for _, input := range []int{requestsInput, eventsInput} {
		at, err := l.committed(ctx, group, input)
		if err != nil {
			return nil, err
		}
		l.from[input], l.at[input] = at, at
	}
	c.Log.Info("controlling expansions", "expansions", len(l.state.expansions), "offset", l.at[requestsInput])
	return l, nil
}

// committed tells where the life before had got. The first life of all starts with the oldest record.
func (l *life) committed(ctx context.Context, group Group, input int) (int64, error) {
	offsets, err := group.Committed(ctx, l.topics[input], 0)
	if err != nil || offsets[0] >= 0 {
		return offsets[0], err
	}
	starts, err := l.Reader.Starts(ctx, []wire.Position{{Topic: l.topics[input]}})
	if err != nil {
		return 0, err
	}
	return starts[0], nil
}

// read fetches what comes until ctx ends.
func (l *life) read(ctx context.Context) {
	at := l.from
	from := make([]wire.Position, inputCount)
	for ctx.Err() == nil {
		for i, topic := range l.topics {
			from[i] = wire.Position{Topic: topic, Offset: at[i]}
		}
		batch, err := l.Reader.Fetch(ctx, from, longPoll)
		if err != nil {
			return
		}
		for i := range batch {
			at[l.input(batch[i].Topic)] = batch[i].Next()
		}
		select {
		case l.batches <- batch:
		case <-ctx.Done():
		}
	}
}

func (l *life) input(topic string) int {
	for i, t := range l.topics {
		if t == topic {
			return i
		}
	}
	panic("fetched a topic that was not asked for: " + topic)
}

// resume takes up the run that an earlier life has left.
func (l *life) resume(ctx context.Context) error {
	if err := l.commitAll(ctx, l.state.segmentStates()); err != nil {
		return err
	}
	e := l.state.active()
	if e == nil {
		return l.advance(ctx)
	}
	if e.Run.Committed {
		l.last = processing(e, schemas.Publishing, publishingFrom, "")
		l.attend(ctx)
		return nil
	}
	return l.commit(ctx, requestsInput, restart(e, now()))
}

// turn waits for what comes next and decides on it.
func (l *life) turn(ctx context.Context) error {
	var beat <-chan time.Time
	if l.running.cancel != nil {
		beat = time.After(max(0, heartbeat-time.Since(l.told)))
	}
	var err error
	select {
	case batch := <-l.batches:
		err = l.take(ctx, batch)
	case w := <-l.words:
		err = l.hear(ctx, w)
	case <-beat:
		err = l.tell(ctx, l.last)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return l.advance(ctx)
}

// take decides on what was fetched, record by record.
func (l *life) take(ctx context.Context, batch []wire.Fetched) error {
	var ends *schemas.Ends // found once, after the fetch: so it is not below what came before any of its requests
	for _, f := range batch {
		input := l.input(f.Topic)
		if f.Skipped() > 0 {
			l.Log.Warn("records were deleted before they were read", "topic", f.Topic, "from", f.Offset, "to", f.Start)
		}
		next, err := f.Each(func(r *wire.Record) error {
			decided, err := l.decideOn(ctx, input, r, &ends)
			if err != nil {
				return err
			}
			l.at[input] = r.Offset + 1
			if input == segmentsInput {
				return nil
			}
			return l.commit(ctx, input, decided)
		})
		if err != nil {
			return fmt.Errorf("%s at %d: %w", f.Topic, next, err)
		}
		l.at[input] = max(l.at[input], next)
		if input == segmentsInput {
			if err := l.commitAll(ctx, l.state.segmentStates()); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance gives the next request its turn when no run is under way. A turn may end as soon as it begins.
func (l *life) advance(ctx context.Context) error {
	for l.state.active() == nil {
		e := l.state.next()
		if e == nil {
			return nil
		}
		if err := l.commit(ctx, requestsInput, start(e, now())); err != nil {
			return err
		}
	}
	return nil
}
