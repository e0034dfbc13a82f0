package bench

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"kindred/cmd/internal/demo"
	"kindred/cmd/internal/random"
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// firstExpansion is what scan reads and refresh refreshes.
const firstExpansion = "bench-1"

// expanded makes sure that the pipeline runs with all roles, has taken in everything, and has all live expansions. The
// n-th takes an n-th of the share of the first, as campaigns of different sizes would.
func (w *world) expanded(ctx context.Context) error {
	if err := w.load(ctx); err != nil {
		return err
	}
	if err := w.serve(ctx, "shards", "control"); err != nil {
		return err
	}
	if w.expansions < w.Expansions {
		w.Say("make expansions")
		if err := w.loadSources(ctx); err != nil {
			return err
		}
	}
	var metas []*cache.Meta
	if w.Kept && w.expansions < w.Expansions {
		if err := w.settled(ctx); err != nil {
			return err
		}
		var err error
		if metas, err = w.Cache.ReadMetas(ctx, w.Shards); err != nil {
			return err
		}
	}
	for w.expansions < w.Expansions {
		n := w.expansions + 1
		id, action := fmt.Sprintf("bench-%d", n), schemas.Expand
		if metas != nil && metas[0].Expansions[id] != nil { // an earlier bench has made it
			action = schemas.Refresh
		}
		run, _, err := w.ask(ctx, action, id, w.source(n), w.Share/float64(n))
		if err != nil {
			return err
		}
		if w.expansions = n; n == 1 {
			w.first = run
		}
	}
	return w.settled(ctx)
}

// source returns the segment that the n-th live expansion is of. They take turns.
func (w *world) source(n int) string {
	if of := (n - 1) % max(w.Sources, 1); of > 0 {
		return fmt.Sprintf("%s-%d", vip, of+1)
	}
	return vip
}

// loadSources publishes the segments that live expansions are of beside that of the VIPs: each lacks some of these, drawn by lot.
func (w *world) loadSources(ctx context.Context) error {
	for n := 2; n <= min(w.Sources, w.Expansions); n++ {
		var ids []string
		for customer := range w.Customers {
			if lot := random.Of(w.Seed+uint64(n), customer); lot.Next()%oneIn != 0 && w.made.vip(customer) {
				ids = append(ids, string(demo.AppendID(nil, customer)))
			}
		}
		if err := w.Snapshot(ctx, w.source(n), ids); err != nil {
			return err
		}
	}
	return nil
}

// ask publishes a request and returns its successful run, and how long that took until its success was read.
func (w *world) ask(ctx context.Context, action schemas.Action, id, source string, part float64) (*schemas.Run, time.Duration, error) {
	request := schemas.ExpandRequest{Action: action, ExpansionID: id}
	request.RequestID = "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36) // as long as most: it stands in every membership
	if action == schemas.Expand {
		request.SourceSegmentID, request.Share = &source, &part
	}
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(w.pipeline.ctx, cancel)()
	defer cancel()
	run, took, err := w.Ask(ctx, request)
	switch {
	case w.pipeline.ctx.Err() != nil:
		return nil, 0, context.Cause(w.pipeline.ctx)
	case err != nil:
		return nil, 0, err
	case run.Status != schemas.Successful && run.Error != nil:
		return nil, 0, fmt.Errorf("%s %s: %s: %s", action, id, run.Status, run.Error.Message)
	case run.Status != schemas.Successful:
		return nil, 0, fmt.Errorf("%s %s: %s", action, id, run.Status)
	}
	return &run, took, nil
}

// expand expands the segment of the VIPs on a warm cache, under a new id every time.
func (w *world) expand(ctx context.Context) (Measure, error) {
	m := Measure{What: "from an expand request until its run is successful, all its memberships acknowledged"}
	var times []float64
	for i := range w.Repeat {
		id := fmt.Sprintf("bench-expand-%d", i+1)
		before, err := w.goal(ctx)
		if err != nil {
			return m, err
		}
		run, took, err := w.ask(ctx, schemas.Expand, id, vip, w.Share)
		if err != nil {
			return m, err
		}
		times = append(times, took.Seconds())
		if err := w.published(ctx, id, before, run.Report.Counts); err != nil {
			return m, err
		}
		counts := run.Report.Counts
		m.Counts = map[string]int64{
			"customers": counts.Customers, "source": counts.SourceWithProfile, "candidates": counts.Candidates,
			"members": counts.Members, "records": counts.Entered,
		}
		if _, _, err := w.ask(ctx, schemas.Delete, id, "", 0); err != nil {
			return m, err
		}
	}
	m.Figures = []Figure{figure("request to success", Seconds, times)}
	return m, w.settled(ctx)
}

// published checks that Kafka and Redis hold as many members as a report counts.
func (w *world) published(ctx context.Context, id string, before goal, counts schemas.Counts) error {
	var records int64
	prefix := []byte(id + "/")
	err := w.read(ctx, schemas.Memberships, before[3], func(r *wire.Record) {
		if r.Value != nil && bytes.HasPrefix(r.Key, prefix) {
			records++
		}
	})
	if err != nil {
		return err
	}
	if records != counts.Entered {
		return fmt.Errorf("%d memberships of %s are in Kafka, the report says %d", records, id, counts.Entered)
	}
	var members int64
	err = w.until(ctx, func(metas []*cache.Meta) bool {
		for _, meta := range metas {
			for _, n := range meta.Expansions[id].Members {
				members += n
			}
		}
		return true
	})
	if err == nil && members != counts.Members {
		err = fmt.Errorf("%d members of %s are in Redis, the report says %d", members, id, counts.Members)
	}
	return err
}

// refresh runs the first expansion again, with nothing changed.
func (w *world) refresh(ctx context.Context) (Measure, error) {
	m := Measure{What: "from a refresh request until its run is successful, when nothing has changed"}
	var times []float64
	for range w.Repeat {
		run, took, err := w.ask(ctx, schemas.Refresh, firstExpansion, "", 0)
		if err != nil {
			return m, err
		}
		counts := run.Report.Counts
		if changes := counts.Entered + counts.Left + counts.Changed; changes != 0 {
			return m, fmt.Errorf("a refresh of what is unchanged changed %d members", changes)
		}
		times = append(times, took.Seconds())
		m.Counts = map[string]int64{"customers": counts.Customers, "candidates": counts.Candidates, "members": counts.Members, "records": 0}
	}
	m.Figures = []Figure{figure("request to success", Seconds, times)}
	return m, nil
}
