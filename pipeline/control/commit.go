package control

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"kindred/pipeline/route"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// commit commits steps that no record of an input has caused, one after the other. Their transactions leave the offset of
// the requests where it is.
func (t *term) commit(ctx context.Context, steps ...step) error {
	for _, s := range steps {
		if err := t.commitAt(ctx, requestsInput, s); err != nil {
			return err
		}
	}
	return nil
}

// commitAt writes a step in one transaction with the offset of the input that caused it. The state changes only when that is
// committed; then the attempts follow the state.
func (t *term) commitAt(ctx context.Context, input int, s step) error {
	if s.forgets {
		t.taken.remove(s.expansion.ExpansionID) // before anybody hears of it
	}
	err := t.Transactions.Transact(ctx, t.topics[input], t.at[input], func(w route.Writer) error {
		return t.write(ctx, w, s)
	})
	if err != nil {
		return fmt.Errorf("commit a decision: %w", err)
	}
	t.state.apply(s)
	if s.expansion != nil {
		if !s.forgets {
			t.taken.add(s.expansion.ExpansionID)
		}
		t.follow(s.expansion)
	}
	for _, r := range s.runs {
		if r.Status.Final() {
			t.Log.Info("run ended", "expansion", r.ExpansionID, "run", r.RunID, "status", r.Status, "code", code(r.Error))
		} else if a := t.attempts[r.ExpansionID]; a != nil && r.Status == schemas.Processing {
			a.event, a.reported, a.reportedAt = r, r, time.Now()
		}
	}
	return nil
}

// code returns the code of an error for the log; empty for none.
func code(err *schemas.RunError) string {
	if err == nil {
		return ""
	}
	return err.Code
}

// write puts what a step decides into a transaction.
func (t *term) write(ctx context.Context, w route.Writer, s step) error {
	at := now()
	event := func(topic, kind, key string, value any, more ...wire.Header) error {
		raw, err := encode(value)
		if err != nil {
			return fmt.Errorf("encode an event of %s: %w", topic, err)
		}
		id := strconv.FormatUint(xxhash.Sum64(raw), 16) // the same event has the same id whenever it is written
		if topic == schemas.Expansions && s.forgets {
			raw = nil
		}
		return w.Write(ctx, t.Prefix.Topic(topic), 0, []byte(key), raw, schemas.Event(kind, id, key, at, more...))
	}
	if s.model != nil {
		key, headers := []byte(s.expansion.ExpansionID), wire.AppendHeaders(nil, schemas.ModelFormat(s.crossed, s.expansion.Definition))
		for shard := range t.Number {
			if err := w.Write(ctx, t.Prefix.Topic(schemas.Models), shard, key, s.model, headers); err != nil {
				return err
			}
		}
	}
	switch {
	case s.expansion == nil:
	case s.forgets:
		key := s.expansion.ExpansionID
		headers := schemas.Event(schemas.TypeExpansion, key+"-forgotten", key, at, schemas.Format())
		if err := w.Write(ctx, t.Prefix.Topic(schemas.Expansions), 0, []byte(key), nil, headers); err != nil {
			return err
		}
	default:
		id := s.expansion.ExpansionID
		if err := event(schemas.Expansions, schemas.TypeExpansion, id, withLists(s.expansion), schemas.ExpansionFormat(s.expansion)); err != nil {
			return err
		}
	}
	for i, r := range s.refused {
		key, value := t.state.refused.record(r, i)
		if err := w.Write(ctx, t.Prefix.Topic(schemas.Settings), 0, key, value, wire.AppendHeaders(nil, schemas.Format())); err != nil {
			return err
		}
	}
	for i := range s.runs {
		if err := event(schemas.Runs, schemas.TypeRun, s.runs[i].ExpansionID, bounded(s.runs[i])); err != nil {
			return err
		}
	}
	for i := range s.requests {
		if err := event(schemas.ExpandRequests, schemas.TypeExpandRequest, s.requests[i].ExpansionID, &s.requests[i]); err != nil {
			return err
		}
	}
	for _, d := range s.letters {
		if err := w.Write(ctx, t.Prefix.Topic(schemas.DeadLetters), 0, d.Key, d.Value, d.AllHeaders()); err != nil {
			return err
		}
	}
	return nil
}

// withLists returns the record with empty lists in the place of nil ones, so that JSON has [] and not null.
func withLists(e *schemas.Expansion) *schemas.Expansion {
	full := *e
	if full.Pending == nil {
		full.Pending = []schemas.Pending{}
	}
	if full.Requests == nil {
		full.Requests = []string{}
	}
	return &full
}
