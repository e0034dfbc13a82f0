package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// The inputs of a term: topics of one partition, in the order of their places in term.topics and term.at.
const (
	requestsInput = iota
	eventsInput
	segmentsInput
	fieldsInput
	inputCount
)

// longPoll is how long a fetch waits for a record.
const longPoll = 500 * time.Millisecond

// fetch sends the term what comes in, from these offsets on, until ctx ends.
func (t *term) fetch(ctx context.Context, from [inputCount]int64) {
	positions := make([]wire.Position, inputCount)
	for ctx.Err() == nil {
		for input, topic := range t.topics {
			positions[input] = wire.Position{Topic: topic, Offset: from[input]}
		}
		batch, err := t.Reader.Fetch(ctx, positions, longPoll)
		if err != nil {
			return
		}
		for i := range batch {
			from[t.input(batch[i].Topic)] = batch[i].Next()
		}
		select {
		case t.batches <- batch:
		case <-ctx.Done():
		}
	}
}

// input returns which input a topic is.
func (t *term) input(topic string) int {
	for input, name := range t.topics {
		if name == topic {
			return input
		}
	}
	panic("fetched a topic that was not asked for: " + topic)
}

// decideOn reads a record and decides on it. What is wrong with it concerns this record alone: it is a dead letter. Only the
// record of a segment can be of an unknown format, which is an error. The record is not kept: what is decided has copies.
func (t *term) decideOn(input int, r *wire.Record) (decided step, err error) {
	malformed := func(why error) step { return step{letters: []schemas.DeadLetter{t.letter(input, r, why)}} }
	defer func() {
		if p := recover(); p != nil {
			t.Log.Error("a record stopped its handler", "topic", t.topics[input], "offset", r.Offset, "panic", fmt.Sprint(p))
			decided, err = malformed(&schemas.Malformed{Code: schemas.HandlerPanic, Message: "the record stopped its handler"}), nil
		}
	}()
	switch input {
	case segmentsInput:
		return step{}, t.state.learnSegment(r)
	case fieldsInput:
		if why := t.state.learnField(r); why != nil {
			return malformed(why), nil
		}
		return step{}, nil
	case eventsInput:
		var event schemas.DataEvent
		if why := decode(r, event.Decode); why != nil {
			return malformed(why), nil
		}
		return t.state.onDataEvent(event), nil
	}
	asked := request{offset: r.Offset, at: time.UnixMilli(r.Timestamp).UTC()}
	if why := decode(r, func(key, value []byte) error {
		asked.size = len(value)
		return asked.Decode(key, value)
	}); why != nil {
		return malformed(why), nil
	}
	return t.state.decide(asked, now()), nil
}

// decode reads an event of a topic where a tombstone says nothing.
func decode(r *wire.Record, read func(key, value []byte) error) error {
	gone, err := schemas.Read(r, read)
	if gone {
		return read(r.Key, nil)
	}
	return err
}

// letter makes a dead letter, which aliases the record. The code of an error that is no schemas.Malformed, which would be a
// mistake of ours, is that of a wrong schema.
func (t *term) letter(input int, r *wire.Record, why error) schemas.DeadLetter {
	var malformed *schemas.Malformed
	if !errors.As(why, &malformed) {
		malformed = &schemas.Malformed{Code: schemas.WrongSchema, Message: why.Error()}
	}
	return schemas.Letter(t.topics[input], 0, r, schemas.LetterControl, malformed.Code, malformed.Message, now())
}
