package route

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// Group is the router's place in its consumer group.
type Group interface {
	Committed(ctx context.Context, topic string, partitions ...int) (map[int]int64, error) // -1: none
}

// Transactions write all or nothing.
type Transactions interface {
	// Fence ends an older life for good: after it, nothing that it has begun will be committed.
	Fence(ctx context.Context) error
	// Transact commits what fill writes, together with the group's offset of partition 0 of a topic. An error of fill
	// drops it all.
	Transact(ctx context.Context, topic string, next int64, fill func(Writer) error) error
}

// Writer takes a record into a transaction. It copies what it is given.
type Writer interface {
	Write(ctx context.Context, topic string, partition int, key, value []byte, h wire.Headers) error
}

// Router routes segment-changes. Only one may run at a time: its transactions fence an older one.
type Router struct {
	Prefix       schemas.Prefix
	Shards       int
	Partitioner  schemas.Partitioner
	Reader       wire.Reader
	Transactions Transactions
	Taken        func(id string) bool // says whether an expansion of that id exists; nil: none does
	Log          *slog.Logger
}

const longPoll = 500 * time.Millisecond

// Run routes until ctx ends, the group's generation. After any other error it may be called again, and nothing is lost
// or doubled; but not when somebody else has taken over.
func (r *Router) Run(ctx context.Context, group Group) error {
	l, err := r.begin(ctx, group)
	if err != nil {
		return retry.Ending(ctx, fmt.Errorf("begin to route: %w", err))
	}
	for {
		if err := l.next(ctx); err != nil {
			return retry.Ending(ctx, fmt.Errorf("route segment changes at offset %d: %w", l.at, err))
		}
	}
}

// life is one life of the router: what it knows is what Kafka told when it began, and what it has committed since.
type life struct {
	*Router
	changes  string // full names of the topics
	members  string
	segments string
	letters  string
	through  []byte // scratch
	known    map[string]*segment
	open     map[string]*segment // those of known that have an open snapshot
	touched  []*segment          // in this batch, to be remembered
	at       int64               // next offset of segment-changes
	key      []byte              // scratch
	w        Writer              // of the transaction under way
}

// begin fences the older life, and then reads how far it had got and what it remembered.
func (r *Router) begin(ctx context.Context, group Group) (*life, error) {
	l := &life{
		Router:  r,
		changes: r.Prefix.Topic(schemas.SegmentChanges), members: r.Prefix.Topic(schemas.SegmentMembers),
		segments: r.Prefix.Topic(schemas.Segments), letters: r.Prefix.Topic(schemas.DeadLetters),
	}
	if err := r.Transactions.Fence(ctx); err != nil {
		return nil, err
	}
	if err := l.remember(ctx); err != nil {
		return nil, fmt.Errorf("read %s: %w", l.segments, err)
	}
	committed, err := group.Committed(ctx, l.changes, 0)
	if err != nil {
		return nil, err
	}
	l.at = committed[0]
	r.Log.Info("routing segment changes", "offset", l.at, "segments", len(l.known))
	if l.at >= 0 {
		return l, nil
	}
	starts, err := r.Reader.Starts(ctx, []wire.Position{{Topic: l.changes}})
	if err != nil {
		return nil, err
	}
	return l, l.jump(ctx, starts[0])
}

// jump goes on at an offset and says so to the shards, who would wait for what lies before.
func (l *life) jump(ctx context.Context, to int64) error {
	l.at = to
	return l.Transactions.Transact(ctx, l.changes, to, func(w Writer) error {
		l.w = w
		return l.writeThrough(ctx, to)
	})
}

// next waits for a batch and routes it, in one transaction.
func (l *life) next(ctx context.Context) error {
	fetched, err := l.Reader.Fetch(ctx, []wire.Position{{Topic: l.changes, Offset: l.at}}, longPoll)
	if err != nil {
		return err
	}
	for i := range fetched {
		f := &fetched[i]
		next := f.Next()
		if next == l.at && !f.OutOfRange {
			continue // nothing came
		}
		if f.Skipped() > 0 {
			l.Log.Warn("segment changes were deleted before they were routed", "from", l.at, "to", next,
				"try", "publish a snapshot of every segment, and keep the topic's records for longer")
		}
		if err := l.Transactions.Transact(ctx, l.changes, next, func(w Writer) error {
			l.w = w
			return l.batch(ctx, f, next)
		}); err != nil {
			return err
		}
		l.at = next
	}
	return nil
}

// batch routes what was fetched. Shards learn last how far it goes.
func (l *life) batch(ctx context.Context, f *wire.Fetched, next int64) error {
	l.touched = l.touched[:0]
	if _, err := f.Each(func(r *wire.Record) error { return l.route(ctx, r) }); err != nil {
		return err
	}
	for _, s := range l.touched {
		if err := l.writeSegment(ctx, s); err != nil {
			return err
		}
	}
	return l.writeThrough(ctx, next)
}

// route routes one record. What is wrong with it concerns this record alone.
func (l *life) route(ctx context.Context, r *wire.Record) error {
	if err := l.dropExpired(ctx, r); err != nil {
		return err
	}
	change, malformed := read(r)
	if malformed == nil && l.Taken != nil && l.Taken(change.SegmentID) {
		malformed = &schemas.Malformed{Code: schemas.IDTaken, Message: "an expansion has that id"}
	}
	switch {
	case malformed != nil:
		return l.reject(ctx, r, malformed)
	case r.Value == nil:
		return l.gone(ctx, r, change.SegmentID)
	case change.Snapshot != "":
		return l.part(ctx, r, &change)
	}
	return l.change(ctx, r, &change)
}
