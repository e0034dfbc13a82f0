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
	// Fence ends the older terms for good: after it, nothing that they have begun will be committed.
	Fence(ctx context.Context) error
	// Transact commits what fill writes, together with the group's offset of partition 0 of a topic. An error of fill
	// drops it all.
	Transact(ctx context.Context, topic string, next int64, fill func(Writer) error) error
}

// Writer adds a record to a transaction. It copies its arguments.
type Writer interface {
	Write(ctx context.Context, topic string, partition int, key, value []byte, h wire.Headers) error
}

// Router routes segment-changes. Only one may run at a time: its transactions fence an older one.
type Router struct {
	Prefix       schemas.Prefix
	Shards       int
	Partitioner  schemas.Partitioner
	TopicID      string // of segment-changes; empty: not known
	Reader       wire.Reader
	Transactions Transactions
	Taken        func(id string) bool // reports whether an expansion has that id; nil: none has
	Log          *slog.Logger

	Piece int              // how many records of members one transaction has at most; 0: 50,000
	Now   func() time.Time // nil: time.Now
}

const longPoll = 500 * time.Millisecond

// Run routes until ctx ends, the group's generation. After any other error it may be called again, and nothing is lost
// or doubled; but not when somebody else has taken over. It returns schemas.ErrFormat, and has routed nothing, when the
// topic segments holds a record of another version.
func (r *Router) Run(ctx context.Context, group Group) error {
	t, err := r.begin(ctx, group)
	if err != nil {
		return retry.Ending(ctx, fmt.Errorf("begin to route: %w", err))
	}
	for {
		if err := t.next(ctx); err != nil {
			return retry.Ending(ctx, fmt.Errorf("route segment changes at offset %d: %w", t.at, err))
		}
	}
}

// term is the time from one start of the router to its end. What it knows is what it read from Kafka when it began, and
// what it has committed since.
type term struct {
	*Router
	changes  string // full names of the topics
	members  string
	segments string
	letters  string
	known    map[string]*segment // all segments that upstream ever named: as many as the topic segments holds
	open     map[string]*segment // those of known that have an open snapshot
	spoilt   map[string]string   // why what is known of a segment cannot be read, by segment; its changes are dead letters
	at       int64               // offset of segment-changes up to which all is committed

	// What the next commit writes. None of it is kept when the term ends.
	routed  outbox     // members and marks
	refused outbox     // dead letters
	touched []*segment // by records since the last commit; at most mostTouched and a few

	key     []byte // scratch
	through []byte // scratch
}

// begin fences older terms, then reads how far they had got and what they have written about segments.
func (r *Router) begin(ctx context.Context, group Group) (*term, error) {
	t := &term{
		Router:  r,
		changes: r.Prefix.Topic(schemas.SegmentChanges), members: r.Prefix.Topic(schemas.SegmentMembers),
		segments: r.Prefix.Topic(schemas.Segments), letters: r.Prefix.Topic(schemas.DeadLetters),
	}
	if err := r.Transactions.Fence(ctx); err != nil {
		return nil, err
	}
	if err := t.remember(ctx); err != nil {
		return nil, fmt.Errorf("remember the segments: %w", err)
	}
	committed, err := group.Committed(ctx, t.changes, 0)
	if err != nil {
		return nil, err
	}
	t.at = committed[0]
	t.forgetOtherTopics()
	r.Log.Info("routing segment changes", "offset", t.at, "segments", len(t.known))
	if t.at >= 0 {
		return t, nil
	}
	starts, err := r.Reader.Starts(ctx, []wire.Position{{Topic: t.changes}})
	if err != nil {
		return nil, err
	}
	return t, t.commit(ctx, starts[0]) // shards would otherwise wait for what lies before
}

func (t *term) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

// next waits for a batch and routes it. When there is nothing left to read it gives up the snapshots that nothing has come of
// for too long.
func (t *term) next(ctx context.Context) error {
	asked := t.now()
	fetched, err := t.Reader.Fetch(ctx, []wire.Position{{Topic: t.changes, Offset: t.at}}, longPoll)
	if err != nil {
		return err
	}
	for i := range fetched {
		f := &fetched[i]
		if f.Next() != t.at || f.OutOfRange {
			if err := t.batch(ctx, f); err != nil {
				return err
			}
		}
		if t.at >= f.Stable && !f.OutOfRange {
			if err := t.giveUp(ctx, asked); err != nil {
				return err
			}
		}
	}
	return nil
}

// batch routes what was fetched, and commits it. What cannot be read becomes a dead letter and is passed over.
func (t *term) batch(ctx context.Context, f *wire.Fetched) error {
	if f.Skipped() > 0 {
		t.Log.Warn("segment changes were deleted before they were routed", "from", t.at, "to", f.Next(),
			"try", "publish a snapshot of every segment, and keep the topic's records for longer")
	}
	next, err := wire.EachReadable(ctx, t.Reader, f,
		func(r *wire.Record) error { return t.route(ctx, r) },
		func(d *wire.Damage) error {
			t.Log.Warn("segment changes cannot be read", "from", d.Offset, "to", d.Next, "error", d.Err)
			t.refuse(schemas.LetterOf(t.changes, 0, d, schemas.LetterRoute, t.now()))
			return t.makeRoom(ctx, d.Next, 0, 0)
		})
	if err != nil {
		return err
	}
	return t.commit(ctx, next)
}

// route routes one record. One that is malformed becomes a dead letter and changes nothing.
func (t *term) route(ctx context.Context, r *wire.Record) error {
	change, gone, malformed := read(r)
	if malformed == nil && t.Taken != nil && t.Taken(change.SegmentID) {
		malformed = &schemas.Malformed{Code: schemas.IDTaken, Message: "an expansion has that id"}
	}
	if why := t.spoilt[change.SegmentID]; malformed == nil && why != "" {
		malformed = &schemas.Malformed{Code: schemas.SegmentUnreadable, Message: why}
	}
	customers := len(change.Added) + len(change.Removed)
	if err := t.makeRoom(ctx, r.Offset, customers, customers*len(change.SegmentID)+len(r.Value)); err != nil {
		return err
	}
	switch {
	case malformed != nil:
		t.reject(r, malformed)
		return nil
	case gone:
		return t.gone(ctx, r, change.SegmentID)
	case change.Snapshot != "":
		return t.part(ctx, r, &change)
	}
	return t.change(ctx, r, &change)
}
