package control

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"kindred/pipeline/route"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// commit writes a step in one transaction with the offset of the input that caused it, or of the requests when none
// did. What the controller knows changes only when that is committed; then the run's work follows it.
func (l *life) commit(ctx context.Context, input int, s step) error {
	if input == segmentsInput {
		input = requestsInput // segments are read anew by every life
	}
	err := l.Transactions.Transact(ctx, l.topics[input], l.at[input], func(w route.Writer) error {
		return l.write(ctx, w, s)
	})
	if err != nil {
		return fmt.Errorf("commit a decision: %w", err)
	}
	l.state.apply(s)
	if s.expansion != nil {
		l.register.add(s.expansion.ExpansionID)
	}
	for _, r := range s.runs {
		if r.Status.Final() {
			l.Log.Info("run ended", "expansion", r.ExpansionID, "run", r.RunID, "status", r.Status, "code", code(r.Error))
		} else if r.Status == schemas.Processing {
			l.last, l.told = r, time.Now()
		}
	}
	if s.expansion != nil {
		l.attend(ctx)
	}
	return nil
}

func code(err *schemas.RunError) string {
	if err == nil {
		return ""
	}
	return err.Code
}

func (l *life) commitAll(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := l.commit(ctx, requestsInput, s); err != nil {
			return err
		}
	}
	return nil
}

// write puts what a step decides into a transaction.
func (l *life) write(ctx context.Context, w route.Writer, s step) error {
	at := now()
	event := func(topic, kind, key string, value any, more ...wire.Header) error {
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode an event of %s: %w", topic, err)
		}
		id := strconv.FormatUint(xxhash.Sum64(raw), 16) // the same event has the same id whenever it is written
		return w.Write(ctx, l.Prefix.Topic(topic), 0, []byte(key), raw, schemas.Event(kind, id, key, at, more...))
	}
	for shard := range l.Number {
		if s.model == nil {
			break
		}
		key := []byte(s.expansion.ExpansionID)
		if err := w.Write(ctx, l.Prefix.Topic(schemas.Models), shard, key, s.model, wire.AppendHeaders(nil, schemas.Format())); err != nil {
			return err
		}
	}
	if s.expansion != nil {
		id := s.expansion.ExpansionID
		if err := event(schemas.Expansions, schemas.TypeExpansion, id, whole(s.expansion), schemas.Format()); err != nil {
			return err
		}
	}
	for i := range s.runs {
		if err := event(schemas.Runs, schemas.TypeRun, s.runs[i].ExpansionID, &s.runs[i]); err != nil {
			return err
		}
	}
	for i := range s.requests {
		if err := event(schemas.ExpandRequests, schemas.TypeExpandRequest, s.requests[i].ExpansionID, &s.requests[i]); err != nil {
			return err
		}
	}
	for _, d := range s.letters {
		if err := w.Write(ctx, l.Prefix.Topic(schemas.DeadLetters), 0, d.Key, d.Value, d.AllHeaders()); err != nil {
			return err
		}
	}
	return nil
}

// whole gives a record whose lists are lists also when they are empty.
func whole(e *schemas.Expansion) *schemas.Expansion {
	full := *e
	if full.Pending == nil {
		full.Pending = []schemas.Pending{}
	}
	if full.Requests == nil {
		full.Requests = []string{}
	}
	return &full
}

// tell writes the present event of the run that is under way.
func (l *life) tell(ctx context.Context, r schemas.Run) error {
	return l.commit(ctx, requestsInput, step{runs: []schemas.Run{r}})
}
