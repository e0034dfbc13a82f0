package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/retry"
)

const mostNamed = 3 // shards in a detail

// counted is what the shards have counted of a run.
type counted struct {
	members, entered, left, changed int64
}

// reached waits until every shard has seen what was in Kafka when the run was asked for: segment changes, profiles, and
// its own memberships. However long that takes, the run says which shards it waits for.
func (w *work) reached(ctx context.Context) error {
	return w.look(ctx, schemas.Waiting, func(metas []*cache.Meta) (progress float64, missing []string) {
		for shard := range w.Number {
			if lack := metas[shard].Lacks(w.e.Run.Ends, shard); lack != "" {
				missing = append(missing, fmt.Sprintf("shard %d (%s)", shard, lack))
			}
		}
		return 0, missing
	})
}

// await waits until every shard has published its part, and adds up what they counted.
func (w *work) await(ctx context.Context) {
	var sum counted
	pauses := heldUp
	for {
		err := w.look(ctx, schemas.Publishing, func(metas []*cache.Meta) (progress float64, missing []string) {
			sum, progress, missing = w.count(metas)
			return progress, missing
		})
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			w.end(ctx, func(end *word) { end.counted = &sum })
			return
		}
		w.Log.Warn("a committed run is held up; trying again", "expansion", w.e.ExpansionID, "error", err)
		w.say(ctx, schemas.Publishing, publishingFrom, "held up: "+err.Error())
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

// count adds up what the shards say of the run. missing are those whose pass is not over.
func (w *work) count(metas []*cache.Meta) (sum counted, progress float64, missing []string) {
	for shard := range w.Number {
		meta := metas[shard]
		var p *cache.Progress
		if meta != nil {
			p = meta.Expansions[w.e.ExpansionID]
		}
		if p == nil || p.Epoch != w.e.Run.Epoch || p.PassOf <= 0 {
			missing = append(missing, fmt.Sprintf("shard %d", shard))
			continue
		}
		progress += float64(p.PassDone) / float64(p.PassOf) / float64(w.Number)
		if p.PassDone < p.PassOf || !meta.Ready {
			missing = append(missing, fmt.Sprintf("shard %d", shard))
			continue
		}
		sum.entered += p.Entered
		sum.left += p.Left
		sum.changed += p.Changed
		for _, members := range p.Members {
			sum.members += members
		}
	}
	return sum, progress, missing
}

// look looks at the shards until none is missing.
func (w *work) look(ctx context.Context, stage schemas.Stage, missing func([]*cache.Meta) (float64, []string)) error {
	pauses := retry.Backoff{First: 4 * time.Millisecond, Last: 250 * time.Millisecond, Factor: 1.125}
	for {
		metas, err := w.Shards.ReadMetas(ctx, w.Number)
		if err != nil {
			return fmt.Errorf("look at the shards: %w", err)
		}
		progress, lack := missing(metas)
		if len(lack) == 0 {
			return nil
		}
		from, to := span(stage)
		w.say(ctx, stage, from+progress*(to-from), "waits for "+list(lack))
		if err := pauses.Wait(ctx); err != nil {
			return err
		}
	}
}

// list names some, and says how many more there are.
func list(all []string) string {
	if more := len(all) - mostNamed; more > 0 {
		return strings.Join(all[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(all, ", ")
}
