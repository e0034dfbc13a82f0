package reading

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// Movement is one record of memberships: somebody enters or leaves an expansion, or changes in it.
type Movement struct {
	Change     string    `json:"change"` // schemas.Entered, Changed or Left
	CustomerID string    `json:"customerId"`
	Score      *float64  `json:"score"` // null: no member any more
	Band       *string   `json:"band"`
	Cause      string    `json:"cause"`
	ChangedAt  time.Time `json:"changedAt"` // of who has left: when that was published
}

// Follow visits what happens to the members of an expansion, from these offsets of memberships on, by shard, until ctx ends. That of
// one customer comes in its order. What was taken in before may come again.
func (f *Facts) Follow(ctx context.Context, id string, from []int64, visit func(*Movement) error) error {
	positions := make([]wire.Position, len(from))
	for shard, offset := range from {
		positions[shard] = wire.Position{Topic: f.Prefix.Topic(schemas.Memberships), Partition: shard, Offset: offset}
	}
	take := func(r *wire.Record) error {
		expansion, customer, ok := schemas.SplitKey(r.Key)
		if !ok || string(expansion) != id {
			return nil
		}
		if m := movementOf(r, string(customer)); m != nil {
			return visit(m)
		}
		return nil
	}
	for {
		batch, err := f.Kafka.Fetch(ctx, positions, followWait)
		if err != nil {
			return retry.Ending(ctx, err)
		}
		for i := range batch {
			next, err := wire.EachReadable(ctx, f.Kafka, &batch[i], take, func(*wire.Damage) error { return nil })
			if err != nil {
				return retry.Ending(ctx, fmt.Errorf("follow memberships: %w", err))
			}
			positions[batch[i].Partition].Offset = next
		}
	}
}

const followWait = 500 * time.Millisecond // for a first record; then it is asked again

// movementOf reads a record; nil: it cannot be read.
func movementOf(r *wire.Record, customer string) *Movement {
	cause, _ := r.Headers.Get(schemas.HeaderCause)
	m := &Movement{Change: schemas.Left, CustomerID: customer, Cause: string(cause), ChangedAt: time.UnixMilli(r.Timestamp).UTC()}
	if r.Value == nil {
		return m
	}
	var now schemas.Membership
	if json.Unmarshal(r.Value, &now) != nil {
		return nil
	}
	m.Change, m.Score, m.Band, m.ChangedAt = schemas.Changed, &now.Score, &now.Band, now.ChangedAt
	if kind, _ := r.Headers.Get(schemas.HeaderType); string(kind) == schemas.TypeMembershipEntered {
		m.Change = schemas.Entered
	}
	return m
}
