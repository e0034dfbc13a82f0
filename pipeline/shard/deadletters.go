package shard

import (
	"context"
	"fmt"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// deadLetters are records of the present batch that cannot be read, on their way to people.
type deadLetters struct {
	batch wire.Builder
}

// reject makes a dead letter of a record. Its offset moves on only when Kafka has acknowledged the letter.
func (o *Owner) reject(input int, r *wire.Record, why *schemas.Malformed) {
	o.Stats.Rejected.Add(1)
	schemas.Letter(o.inputs.topics[input], o.Shard, r, "shard", why.Code, why.Message, time.Now()).AppendTo(&o.dead.batch)
}

func (o *Owner) sendDeadLetters(ctx context.Context) error {
	n := o.dead.batch.Len()
	if n == 0 {
		return nil
	}
	if _, err := o.Publisher.Publish(ctx, o.Prefix.Topic(schemas.DeadLetters), 0, &o.dead.batch); err != nil {
		return fmt.Errorf("publish %d dead letters: %w", n, err)
	}
	o.dead.batch.Reset()
	return nil
}
