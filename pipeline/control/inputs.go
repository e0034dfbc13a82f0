package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// decideOn reads a record and decides on it. What is wrong with it concerns this record alone: it is a dead letter.
func (l *life) decideOn(ctx context.Context, input int, r *wire.Record, ends **schemas.Ends) (decided step, err error) {
	malformed := func(why error) step { return step{letters: []schemas.DeadLetter{l.letter(input, r, why)}} }
	defer func() {
		if p := recover(); p != nil {
			l.Log.Error("a record stopped its handler", "topic", l.topics[input], "offset", r.Offset, "panic", fmt.Sprint(p))
			decided, err = malformed(&schemas.Malformed{Code: schemas.HandlerPanic, Message: "the record stopped its handler"}), nil
		}
	}()
	switch input {
	case segmentsInput:
		return step{}, l.learnSegment(l.state.segments, r)
	case eventsInput:
		var event schemas.DataEvent
		if why := decode(r, event.Decode); why != nil {
			return malformed(why), nil
		}
		return l.state.onDataEvent(event), nil
	}
	asked := request{offset: r.Offset, at: time.UnixMilli(r.Timestamp).UTC()}
	if why := decode(r, asked.Decode); why != nil {
		return malformed(why), nil
	}
	if *ends == nil {
		if *ends, err = l.ends(ctx); err != nil {
			return step{}, err
		}
	}
	asked.ends = **ends
	return l.state.decide(asked, now()), nil
}

// decode reads a public event, whatever mode of CloudEvents it came in.
func decode(r *wire.Record, read func(key, value []byte) error) error {
	value, err := schemas.Payload(r.Headers, r.Value)
	if err != nil {
		return err
	}
	return read(r.Key, value)
}

// letter makes a dead letter. An error that is no schemas.Malformed is our own mistake and says so.
func (l *life) letter(input int, r *wire.Record, why error) schemas.DeadLetter {
	var malformed *schemas.Malformed
	if !errors.As(why, &malformed) {
		malformed = &schemas.Malformed{Code: schemas.WrongSchema, Message: why.Error()}
	}
	return schemas.Letter(l.topics[input], 0, r, "control", malformed.Code, malformed.Message, now())
}

// ends finds what a run must see that is asked for now.
func (l *life) ends(ctx context.Context) (*schemas.Ends, error) {
	of := []wire.Position{{Topic: l.Prefix.Topic(schemas.SegmentChanges)}}
	for _, name := range []string{schemas.Profiles, schemas.Memberships} {
		for p := range l.Number {
			of = append(of, wire.Position{Topic: l.Prefix.Topic(name), Partition: p})
		}
	}
	ends, err := l.Reader.Ends(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("find the ends of the inputs: %w", err)
	}
	return &schemas.Ends{SegmentChanges: ends[0], Profiles: ends[1 : 1+l.Number], Memberships: ends[1+l.Number:]}, nil
}

// remember reads what earlier lives have decided, and the segments as they are.
func (l *life) remember(ctx context.Context) error {
	if _, err := l.readAll(ctx, schemas.Expansions, l.learnExpansion); err != nil {
		return err
	}
	l.register.complete()
	end, err := l.readAll(ctx, schemas.Segments, func(r *wire.Record) error {
		return l.learnSegment(l.state.segments, r)
	})
	l.from[segmentsInput], l.at[segmentsInput] = end, end
	return err
}

// learnExpansion takes in what an earlier term has decided about an expansion. A record that is not an expansion's changes
// nothing; one of a format that this build does not know is an error that wraps schemas.ErrFormat: passed over, it would let
// a request be decided wrongly.
func (l *life) learnExpansion(r *wire.Record) error {
	if err := schemas.CheckFormat(r.Headers); err != nil {
		return err
	}
	if r.Value == nil {
		return nil // only the record of a deletion removes an expansion
	}
	e := new(schemas.Expansion)
	if err := e.Decode(r.Key, r.Value); err != nil {
		l.Log.Warn("the record of an expansion cannot be read", "offset", r.Offset, "error", err)
		return nil
	}
	l.state.expansions[e.ExpansionID] = e
	l.register.add(e.ExpansionID)
	return nil
}

// readAll visits all that a topic of one partition holds now, and returns where that ends. An error of visit comes back with
// the offset of the record.
func (c *Controller) readAll(ctx context.Context, name string, visit func(*wire.Record) error) (end int64, err error) {
	return wire.ReadAll(ctx, c.Reader, c.Prefix.Topic(name), func(r *wire.Record) error {
		if err := visit(r); err != nil {
			return fmt.Errorf("record at offset %d: %w", r.Offset, err)
		}
		return nil
	})
}
