package shard

import (
	"context"
	"errors"
	"fmt"
	"math"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// apply brings a batch into the mirror. Records that cannot be read become dead letters, which Kafka has acknowledged
// before an input's offset moves past them; so do batches that cannot. At a record of another format it stops with
// schemas.ErrFormat, and at a model that needs what was forgotten with errFreed: neither that record nor anything behind it is
// applied, and no offset moves past it.
func (o *Owner) apply(ctx context.Context, batch []wire.Fetched) error {
	for i := range batch {
		input := o.inputs.index(batch[i].Topic)
		next, err := o.applyFetched(ctx, input, &batch[i], math.MaxInt64)
		if err != nil {
			return err
		}
		o.inputs.applied(input, next)
	}
	return nil
}

// applyFetched applies what was fetched of an input up to an offset, which is not included, and returns where reading goes on.
func (o *Owner) applyFetched(ctx context.Context, input int, f *wire.Fetched, to int64) (next int64, err error) {
	applied := int64(0)
	defer func() {
		if input < alwaysRead {
			o.Stats.Applied[input].Add(applied)
		}
	}()
	next, err = wire.EachReadable(ctx, o.Reader, f, func(r *wire.Record) error {
		switch {
		case r.Offset >= to:
			return nil
		case input >= ownInput && r.Offset < o.inputs.at[input]:
			return nil // an own record, acknowledged before it was fetched
		}
		applied++
		if err := o.applyOne(input, r); err != nil {
			return fmt.Errorf("at offset %d: %w", r.Offset, err)
		}
		if o.letters.Size() >= fullBatch {
			return o.sendDeadLetters(ctx)
		}
		return nil
	}, func(damage *wire.Damage) error {
		if damage.Offset >= to {
			return nil
		}
		return o.passOver(ctx, input, damage)
	})
	switch {
	case input == changesInput && errors.Is(err, wire.ErrRecreated):
		return next, fmt.Errorf("read the log of changes: %v", err) // nothing to stop at: the shard is taken over, and tells it anew
	case err != nil:
		return next, fmt.Errorf("read %s partition %d: %w", f.Topic, f.Partition, err)
	}
	o.decoded.Release() // it aliases the last record, and so keeps what was fetched
	return next, o.sendDeadLetters(ctx)
}

// applyOne applies a record. One that cannot be read, or that makes its handler panic, becomes a dead letter and the next
// record is applied as if it had not been there: handlers decode all of a record before they change anything. The only
// errors are schemas.ErrFormat and errFreed.
func (o *Owner) applyOne(input int, r *wire.Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			o.Log.Error("a record stopped its handler", "topic", o.inputs.topics[input], "offset", r.Offset, "panic", fmt.Sprint(p))
			o.reject(input, r, &schemas.Malformed{Code: schemas.HandlerPanic, Message: "the record stopped its handler"})
		}
	}()
	switch input {
	case profilesInput:
		err = o.applyProfile(r)
	case segmentsInput:
		err = o.applySegment(r)
	case modelsInput:
		err = o.applyModel(r)
	case membershipsInput:
		err = o.applyMembership(r)
	case changesInput:
		err = o.applyChange(r)
	}
	if err == nil {
		return nil
	}
	var malformed *schemas.Malformed
	switch {
	case errors.Is(err, schemas.ErrFormat), errors.Is(err, errFreed):
		return err
	case errors.As(err, &malformed):
		o.reject(input, r, malformed)
	default:
		o.reject(input, r, &schemas.Malformed{Code: schemas.WrongSchema, Message: err.Error()})
	}
	return nil
}
