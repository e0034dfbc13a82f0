package control

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"kindred/pipeline/route"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// mostTogether is how many decisions one transaction holds at most.
const mostTogether = 64

// decided is a step as it waits for its transaction.
type decided struct {
	step
	refused  []refusedRecord // of step.refused
	input    int             // that of the record it decides on; inputCount: of none
	next     int64           // the offset behind that record
	replaced bool            // a later one of the same transaction has the newer record of its expansion
}

// take takes in steps that no record of an input has caused.
func (t *term) take(steps ...step) {
	for _, s := range steps {
		t.takeAt(inputCount, 0, s)
	}
}

// takeAt takes in a step that decides on a record of an input, with the offset behind it. The state and the attempts follow it at
// once, and all that is decided after it builds on it; nobody hears of it before it is committed.
func (t *term) takeAt(input int, next int64, s step) {
	for i := range s.letters { // they alias their records
		l := &s.letters[i]
		l.Key, l.Value, l.Headers = bytes.Clone(l.Key), bytes.Clone(l.Value), bytes.Clone(l.Headers)
	}
	runs := slices.Clone(s.runs)
	for i := range runs {
		runs[i].At = cmp.Or(runs[i].At, now())
	}
	s.runs = runs
	if s.expansion != nil {
		if a := t.attempts[s.expansion.ExpansionID]; a != nil {
			s.runs, a.unsaid = append(a.unsaid, runs...), nil
		}
	}
	t.undone = append(t.undone, decided{step: s, refused: t.state.apply(s), input: input, next: next})
	if s.expansion != nil {
		t.follow(s.expansion)
	}
	for _, r := range runs {
		if a := t.attempts[r.ExpansionID]; a != nil && r.Status == schemas.Processing {
			a.reports(r)
		}
	}
}

// flush begins to commit what was taken in, in the background, unless a transaction is under way: what is decided meanwhile is
// committed together, by the next one.
func (t *term) flush(ctx context.Context) {
	if t.committing > 0 || len(t.undone) == 0 {
		return
	}
	input, next, n := requestsInput, t.sure, 0
	for caused := false; n < min(len(t.undone), mostTogether); n++ {
		d := &t.undone[n]
		if d.input == inputCount {
			continue
		}
		if caused && d.input != input {
			break // a transaction moves the offset of one input
		}
		caused, input, next = true, d.input, d.next
	}
	t.committing = n
	together := t.undone[:n:n]
	for _, d := range together {
		if d.forgets {
			t.taken.remove(d.expansion.ExpansionID) // before anybody hears of it
		}
	}
	t.background.Go(func() {
		done := commit{input: input, next: next}
		newest := map[string]int{} // by expansion: its last decision
		for i, d := range together {
			if d.expansion != nil {
				newest[d.expansion.ExpansionID] = i
			}
		}
		done.err = t.Transactions.Transact(ctx, t.topics[input], next, func(w route.Writer) error {
			for i, d := range together {
				if d.expansion != nil && newest[d.expansion.ExpansionID] > i {
					d.replaced = true
				}
				if err := t.write(ctx, w, &d); err != nil {
					return err
				}
			}
			return nil
		})
		select {
		case t.commits <- done:
		case <-ctx.Done():
		}
	})
}

// commit is a transaction that is over.
type commit struct {
	input int
	next  int64
	err   error
}

// committed notes what a transaction has committed. When it has failed, the term is over: nothing was committed of what was
// decided since.
func (t *term) committed(done commit) error {
	if done.err != nil {
		return fmt.Errorf("commit a decision: %w", done.err)
	}
	if done.input == requestsInput {
		t.sure = done.next
	}
	for _, d := range t.undone[:t.committing] {
		switch {
		case d.expansion == nil:
		case d.forgets:
			t.taken.remove(d.expansion.ExpansionID)
		default:
			t.taken.add(d.expansion.ExpansionID)
		}
		for _, r := range d.runs {
			if r.Status.Final() {
				t.Log.Info("run ended", "expansion", r.ExpansionID, "run", r.RunID, "status", r.Status, "code", code(r.Error))
			}
		}
	}
	t.undone = slices.Delete(t.undone, 0, t.committing)
	t.committing = 0
	return nil
}

// settle commits all that was taken in, and waits for it.
func (t *term) settle(ctx context.Context) error {
	for t.flush(ctx); t.committing > 0; t.flush(ctx) {
		select {
		case done := <-t.commits:
			if err := t.committed(done); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
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

// write puts a decision into a transaction.
func (t *term) write(ctx context.Context, w route.Writer, s *decided) error {
	at := now()
	event := func(topic, kind, key string, at time.Time, value any, more ...wire.Header) error {
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
	case s.expansion == nil, s.replaced:
	case s.forgets:
		key := s.expansion.ExpansionID
		headers := schemas.Event(schemas.TypeExpansion, key+"-forgotten", key, at, schemas.Format())
		if err := w.Write(ctx, t.Prefix.Topic(schemas.Expansions), 0, []byte(key), nil, headers); err != nil {
			return err
		}
	default:
		id := s.expansion.ExpansionID
		if err := event(schemas.Expansions, schemas.TypeExpansion, id, at, withLists(s.expansion), schemas.ExpansionFormat(s.expansion)); err != nil {
			return err
		}
	}
	for _, r := range s.refused {
		key, value := r.encode()
		if err := w.Write(ctx, t.Prefix.Topic(schemas.Settings), 0, key, value, wire.AppendHeaders(nil, schemas.Format())); err != nil {
			return err
		}
	}
	for i := range s.runs {
		if err := event(schemas.Runs, schemas.TypeRun, s.runs[i].ExpansionID, s.runs[i].At, bounded(s.runs[i])); err != nil {
			return err
		}
	}
	for i := range s.requests {
		if err := event(schemas.ExpandRequests, schemas.TypeExpandRequest, s.requests[i].ExpansionID, at, &s.requests[i]); err != nil {
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
