package reading

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// Book holds what the topics expansions, segments, fields and runs say: the newest record of each name, and the newest runs. A
// command reads them once; a server keeps up with them, so that no question waits for Kafka. It may be used by several goroutines.
type Book struct {
	Prefix   schemas.Prefix
	Kafka    wire.Reader
	MostRuns int          // of one expansion that are kept, the newest; 0: usualRuns
	Log      *slog.Logger // for what Run passes over; nil: nothing is logged
	Changes  Changes      // names of what Run has taken in

	mu         sync.RWMutex
	expansions map[string]schemas.Expansion
	segments   map[string]schemas.Segment
	fields     map[string]schemas.Field
	runs       runLog
	state      State
}

// State says how far a book is.
type State struct {
	Whole  bool      `json:"whole"`  // it has been at the ends of its topics
	Behind int64     `json:"behind"` // offsets to go, as far as is known
	AsOf   time.Time `json:"asOf"`   // when it was there last: what it says is as of then
}

const usualRuns = 50

// booked are the topics that a book keeps up with. Of dead letters it notes only that there are new ones.
var booked = []string{schemas.Expansions, schemas.Segments, schemas.Fields, schemas.Runs, schemas.DeadLetters}

// Read reads all that some of the topics hold now. A record that cannot be read is an error.
func (b *Book) Read(ctx context.Context, topics ...string) error {
	for _, name := range topics {
		_, err := wire.ReadAll(ctx, b.Kafka, b.Prefix.Topic(name), func(r *wire.Record) error {
			_, err := b.take(name, r)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Run reads the topics from their start and keeps up with them until ctx ends. While Kafka is away the book stays as it is, and
// State says since when. What cannot be read is passed over: the last that could be read stays. When a topic was created anew the
// book begins anew.
func (b *Book) Run(ctx context.Context) error {
	for {
		err := b.follow(ctx)
		if err == nil {
			return nil
		}
		b.log().Warn("the lists begin anew", "error", err)
		b.mu.Lock()
		b.expansions, b.segments, b.fields, b.runs, b.state = nil, nil, nil, runLog{}, State{}
		b.mu.Unlock()
		b.Changes.Add(Everything)
		if retry.Sleep(ctx, time.Second) != nil {
			return nil
		}
	}
}

// follow keeps up until ctx ends, which is no error, or a topic turns out to be another one.
func (b *Book) follow(ctx context.Context) error {
	const wait = 500 * time.Millisecond // at the ends: how often AsOf moves while nothing comes
	at := make([]wire.Position, len(booked))
	for i, name := range booked {
		at[i].Topic = b.Prefix.Topic(name)
	}
	now, err := b.Kafka.Ends(ctx, at[len(at)-1:])
	if err != nil {
		return nil // ctx has ended
	}
	at[len(at)-1].Offset = now[0]
	ends := make([]int64, len(at))
	for i := range ends {
		ends[i] = -1 // not known yet
	}
	for {
		fetched, err := b.Kafka.Fetch(ctx, at, wait)
		if err != nil {
			return nil // ctx has ended
		}
		for i := range fetched {
			k := slices.IndexFunc(at, func(p wire.Position) bool { return p.Topic == fetched[i].Topic })
			ends[k] = fetched[i].Stable
			at[k].Offset, err = wire.EachReadable(ctx, b.Kafka, &fetched[i], func(r *wire.Record) error {
				name, err := b.take(booked[k], r)
				if err != nil {
					b.passOver(booked[k], r.Offset, err)
				} else if name != "" {
					b.Changes.Add(name)
				}
				return nil
			}, func(d *wire.Damage) error {
				b.passOver(booked[k], d.Offset, d)
				return nil
			})
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return fmt.Errorf("follow %s: %w", at[k].Topic, err)
			}
		}
		b.arrived(at, ends)
	}
}

// arrived notes how far the book is.
func (b *Book) arrived(at []wire.Position, ends []int64) {
	behind, known := int64(0), true
	for i := range at {
		known = known && ends[i] >= 0
		behind += max(0, ends[i]-at[i].Offset)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.Behind = behind
	if known && behind == 0 {
		if !b.state.Whole {
			b.Changes.Add(Everything)
		}
		b.state.Whole, b.state.AsOf = true, time.Now().UTC()
	}
}

func (b *Book) passOver(name string, offset int64, err error) {
	b.log().Warn("a record cannot be read and is passed over", "topic", b.Prefix.Topic(name), "offset", offset, "error", err)
}

func (b *Book) log() *slog.Logger {
	if b.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return b.Log
}

// State returns how far the book is.
func (b *Book) State() State {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.state
}

// take takes in one record, and returns the name of what it is about; empty: nothing has changed.
func (b *Book) take(topic string, r *wire.Record) (name string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch topic {
	case schemas.Expansions:
		return "expansions/" + string(r.Key), b.takeExpansion(r)
	case schemas.Segments:
		return "segments/" + string(r.Key), b.takeSegment(r)
	case schemas.Fields:
		return "fields", b.takeField(r)
	case schemas.DeadLetters:
		return "dead-letters", nil
	}
	var run schemas.Run
	if json.Unmarshal(r.Value, &run) != nil {
		return "", nil // somebody else's
	}
	b.runs.most = b.MostRuns
	b.runs.take(&run, r)
	return "runs/" + run.ExpansionID + "/" + run.RunID, nil
}

func (b *Book) takeExpansion(r *wire.Record) error {
	if r.Value == nil {
		delete(b.expansions, string(r.Key))
		return nil
	}
	var e schemas.Expansion
	if err := json.Unmarshal(r.Value, &e); err != nil {
		return fmt.Errorf("expansion at offset %d: %w", r.Offset, err)
	}
	if b.expansions == nil {
		b.expansions = map[string]schemas.Expansion{}
	}
	b.expansions[string(r.Key)] = e
	if e.OnlyTried() {
		delete(b.expansions, string(r.Key))
	}
	return nil
}

func (b *Book) takeSegment(r *wire.Record) error {
	if r.Value == nil {
		delete(b.segments, string(r.Key))
		return nil
	}
	var s schemas.Segment
	if err := json.Unmarshal(r.Value, &s); err != nil {
		return fmt.Errorf("segment at offset %d: %w", r.Offset, err)
	}
	if b.segments == nil {
		b.segments = map[string]schemas.Segment{}
	}
	b.segments[string(r.Key)] = s
	return nil
}

// takeField takes in the declaration of a field. Upstream writes these: one that cannot be read is nobody's concern here.
func (b *Book) takeField(r *wire.Record) error {
	var field schemas.Field
	gone, err := schemas.Read(r, field.Decode)
	switch {
	case gone:
		delete(b.fields, string(r.Key))
	case err == nil:
		if b.fields == nil {
			b.fields = map[string]schemas.Field{}
		}
		b.fields[field.Name] = field
	}
	return nil
}

// Expansions returns all expansions, deleted ones too, ordered by id.
func (b *Book) Expansions() []schemas.Expansion { return sorted(b, b.expansionsNow) }

// Expansion returns one expansion; nil: it does not exist.
func (b *Book) Expansion(id string) *schemas.Expansion {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if e, known := b.expansions[id]; known {
		return &e
	}
	return nil
}

// Segments returns what the router has recorded of all segments, ordered by id.
func (b *Book) Segments() []schemas.Segment { return sorted(b, b.segmentsNow) }

// Declared returns the declared fields, ordered by name.
func (b *Book) Declared() []schemas.Field { return sorted(b, b.fieldsNow) }

func (b *Book) expansionsNow() map[string]schemas.Expansion { return b.expansions }
func (b *Book) segmentsNow() map[string]schemas.Segment     { return b.segments }
func (b *Book) fieldsNow() map[string]schemas.Field         { return b.fields }

// sorted returns what a map holds, in the order of its keys. What is behind pointers is shared, and never changed.
func sorted[T any](b *Book, now func() map[string]T) []T {
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := now()
	list := make([]T, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[key])
	}
	return list
}

// Runs returns the newest runs, newest first: those of an expansion, or of all if it is empty.
func (b *Book) Runs(expansion string, limit int) []Run {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.runs.newest(expansion, limit)
}

// WholeRun returns one run with its report, which it reads from Kafka. One that the book does not hold is a Refusal.
func (b *Book) WholeRun(ctx context.Context, expansion, run string) (*schemas.Run, error) {
	b.mu.RLock()
	found := b.runs.find(expansion, run)
	b.mu.RUnlock()
	if found == nil {
		return nil, &Refusal{NoRun, fmt.Errorf("there is no run %s of %s on record", run, expansion), "kindred runs " + expansion}
	}
	if !found.reported {
		return &found.Run.Run, nil
	}
	at := wire.Position{Topic: b.Prefix.Topic(schemas.Runs), Offset: found.offset}
	whole := &schemas.Run{}
	err := wire.ReadTo(ctx, b.Kafka, at, found.offset+1, func(r *wire.Record) error { return json.Unmarshal(r.Value, whole) })
	if err == nil && whole.RunID != run {
		err = errors.New("its record is not there any more")
	}
	if err != nil {
		return nil, fmt.Errorf("read run %s of %s: %w", run, expansion, err)
	}
	return whole, nil
}
