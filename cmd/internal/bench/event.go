package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kindred/cmd/internal/demo"
	"kindred/consumers"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// oneIn is of how many customers one has another profile when some have changed: 5 %.
const oneIn = 20

// event publishes a data event, which has all live expansions refreshed, and takes the time until the last of them is done: when
// nothing has changed, and when some customers have.
func (w *world) event(ctx context.Context) (Measure, error) {
	m := Measure{What: "from a data event until the refreshes of all live expansions are successful"}
	var same, changed []float64
	for run := range w.Repeat {
		took, err := w.refreshAll(ctx, fmt.Sprint("same-", run))
		if err != nil {
			return m, err
		}
		same = append(same, took.Seconds())
	}
	for run := range w.Repeat {
		if err := w.change(ctx, run); err != nil {
			return m, err
		}
		took, err := w.refreshAll(ctx, fmt.Sprint("changed-", run))
		if err != nil {
			return m, err
		}
		changed = append(changed, took.Seconds())
	}
	m.Figures = []Figure{figure("nothing changed", Seconds, same), figure("5 % changed", Seconds, changed)}
	m.Counts = map[string]int64{"expansions": int64(w.expansions), "sources": int64(min(max(w.Sources, 1), w.expansions))}
	return m, nil
}

// change gives some customers other profiles, and waits until the shards have handled them.
func (w *world) change(ctx context.Context, run int) error {
	err := w.Flood(ctx, schemas.Profiles, func(add func(key, value []byte) error) error {
		var id, value []byte
		var levels []uint8
		texts := w.made.texts()
		for customer := run % oneIn; customer < w.Customers; customer += oneIn {
			id = demo.AppendID(id[:0], customer)
			levels = w.made.levels(levels[:0], customer, 1+run)
			value = texts.profile(value[:0], customer, levels)
			if err := add(id, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish profiles: %w", err)
	}
	return w.settled(ctx)
}

// refreshAll publishes a data event of this batch, and returns how long it took until all live expansions were refreshed.
func (w *world) refreshAll(ctx context.Context, batch string) (time.Duration, error) {
	runs := []consumers.Position{{Topic: w.Prefix.Topic(schemas.Runs)}}
	ends, err := w.Fetcher.Ends(ctx, runs)
	if err != nil {
		return 0, err
	}
	runs[0].Offset = ends[0]
	source := "bench"
	value, err := json.Marshal(schemas.DataEvent{Source: source, BatchID: batch})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	var event wire.Builder
	event.Add(began.UnixMilli(), []byte(source), value, nil)
	if _, err := w.Producer.Publish(ctx, w.Prefix.Topic(schemas.DataEvents), 0, &event); err != nil {
		return 0, fmt.Errorf("publish a data event: %w", err)
	}
	left := w.expansions
	var failed error
	var took time.Duration
	r := &reader{world: w, at: runs}
	r.visit = func(came time.Time, record *wire.Record) {
		var run schemas.Run
		if json.Unmarshal(record.Value, &run) != nil || !strings.HasSuffix(run.RunID, "/"+source+"/"+batch) || !run.Status.Final() {
			return
		}
		switch {
		case run.Status == schemas.Successful:
		case run.Error != nil:
			failed = fmt.Errorf("refresh %s: %s: %s", run.ExpansionID, run.Status, run.Error.Message)
		default:
			failed = fmt.Errorf("refresh %s: %s", run.ExpansionID, run.Status)
		}
		if left--; left == 0 || failed != nil {
			took = came.Sub(began)
			r.until.Store(&[]consumers.Position{{}}) // enough was read
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(w.pipeline.ctx, cancel)()
	defer cancel()
	if err := r.run(ctx); err != nil {
		return 0, err
	}
	return took, failed
}
