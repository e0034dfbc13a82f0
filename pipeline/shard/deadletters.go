package shard

import (
	"context"
	"fmt"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// reject makes a dead letter of a record. The input's offset moves past the record only when Kafka has acknowledged it.
func (o *Owner) reject(input int, r *wire.Record, why *schemas.Malformed) {
	o.post(schemas.Letter(o.inputs.topics[input], o.Shard, r, schemas.LetterShard, why.Code, why.Message, time.Now()))
}

// passOver makes a dead letter of what cannot be read of an input: an oversize record, or the rest of a corrupt batch.
func (o *Owner) passOver(ctx context.Context, input int, damage *wire.Damage) error {
	o.Log.Warn("an input holds what cannot be read; it is passed over", "topic", o.inputs.topics[input], "shard", o.Shard,
		"offset", damage.Offset, "to", damage.Next, "error", damage)
	o.post(schemas.LetterOf(o.inputs.topics[input], o.Shard, damage, schemas.LetterShard, time.Now()))
	return o.sendDeadLetters(ctx)
}

func (o *Owner) post(letter schemas.DeadLetter) {
	if o.Stats.Letter != nil {
		o.Stats.Letter(letter.Topic, letter.Code)
	}
	letter.AppendTo(&o.letters)
}

// sendDeadLetters publishes the dead letters of the present batch.
func (o *Owner) sendDeadLetters(ctx context.Context) error {
	n := o.letters.Len()
	if n == 0 {
		return nil
	}
	if _, err := o.Publisher.Publish(ctx, o.Prefix.Topic(schemas.DeadLetters), 0, &o.letters); err != nil {
		return fmt.Errorf("publish %d dead letters: %w", n, err)
	}
	o.letters.Reset()
	return nil
}
