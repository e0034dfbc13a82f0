package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/schemas"
	"kindred/schemas/retry"
)

// drift finds out how far the profiles have moved since an expansion was learned.
func (p *program) drift(ctx context.Context, c *connection, book *reading.Book, e *schemas.Expansion) (*learn.Drift, error) {
	facts, close, err := p.factsOf(ctx, c, book)
	if err != nil {
		return nil, err
	}
	defer close()
	return facts.Drift(ctx, e)
}

// drawDrift draws the fields that have moved most since learning.
func drawDrift(screen terminal.Screen, d *learn.Drift) {
	if d == nil || len(d.Fields) == 0 {
		return
	}
	const most = 5
	screen.Title("Since it learned", "how far the profiles have moved: "+d.Fields[0].Words())
	defer screen.Line("")
	if d.Fields[0].Index < learn.Stable {
		screen.Say(fmt.Sprintf("All fields are stable: the population stability index is at most %.2f, and matters from %v on.", d.Fields[0].Index, learn.Stable))
		return
	}
	var rows [][]string
	for i := range d.Fields[:min(len(d.Fields), most)] {
		f := &d.Fields[i]
		if f.Index < learn.Stable {
			break
		}
		moved := ""
		if len(f.Moved) > 0 {
			moved = fmt.Sprintf("%s %s, %s then", f.Moved[0].Value, terminal.Percent(f.Moved[0].Is), terminal.Percent(f.Moved[0].Was))
		}
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.2f", f.Index), f.Words(), moved})
	}
	screen.Table([]string{"field", "#index", "", "most"}, rows)
	screen.Say(fmt.Sprintf("The index is the population stability index: below %v nothing has changed that matters, above %v the model knows "+
		"other customers than there are.", learn.Stable, learn.Shifted))
	if d.Warning != nil {
		screen.Say("- " + d.Warning.Message)
		screen.Say("→ try: " + d.Warning.Hint)
	}
}

// driftEvery is how often the process that controls compares the profiles with what the models were learned from, for /metrics.
const (
	driftEvery = time.Minute
	driftAgain = 5 * time.Second // after shards were not ready
	driftRest  = 20              // times as long as it took, at least: with many expansions it is done less often
)

// drifts are the comparisons of the process that controls; empty in others.
type drifts struct {
	mu  sync.Mutex
	all map[string]*learn.Drift // by expansion
}

func (d *drifts) set(all map[string]*learn.Drift) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = all
}

func (d *drifts) read(r *readings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for expansion, drift := range d.all {
		for _, f := range drift.Fields {
			r.now("kindred_profile_drift", "Population stability index of a field: how far the profiles have moved since the expansion was learned. "+
				"From the process that controls, every minute.", f.Index, "expansion", expansion, "field", f.Name)
		}
	}
}

// watch compares again and again until ctx ends. What cannot be read now is not known.
func (d *drifts) watch(ctx context.Context, store *cache.Store, shards int, log *slog.Logger) {
	defer d.set(nil)
	for {
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		all, err := learn.Drifts(limited, store, shards)
		cancel()
		pause := max(driftEvery, driftRest*time.Since(began))
		if err != nil {
			pause = driftAgain
			log.Debug("how far the profiles have moved is not known", "error", err)
		}
		d.set(all)
		if retry.Sleep(ctx, pause) != nil {
			return
		}
	}
}
