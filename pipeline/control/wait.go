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

// mostNamed is how many of the shards that a run waits for it names.
const mostNamed = 3

// counted is what the shards have counted of a run: members now, and membership records of the run by their kind.
type counted struct {
	members, entered, left, changed int64
}

// awaitInputs waits until every shard has seen what was in Kafka when the run was asked for: segment changes, profiles, and
// its own memberships. However long that takes, the run reports which shards it waits for.
func (w *work) awaitInputs(ctx context.Context) error {
	return w.await(ctx, schemas.Waiting, func(metas []*cache.Meta) (progress float64, missing []string) {
		for shard := range w.Number {
			if lack := metas[shard].Lacks(w.e.Run.Ends, shard); lack != "" {
				missing = append(missing, fmt.Sprintf("shard %d (%s)", shard, lack))
			}
		}
		return 0, missing
	})
}

// awaitPasses waits until every shard has published its part, and adds up what they have counted.
func (w *work) awaitPasses(ctx context.Context) (sum counted, err error) {
	err = w.await(ctx, schemas.Publishing, func(metas []*cache.Meta) (progress float64, missing []string) {
		sum, progress, missing = w.count(metas)
		return progress, missing
	})
	return sum, err
}

// count adds up what the shards have counted of the run. missing are those whose pass is not over.
func (w *work) count(metas []*cache.Meta) (sum counted, progress float64, missing []string) {
	for shard := range w.Number {
		pass := w.pass(metas[shard])
		if pass != nil {
			progress += float64(pass.PassDone) / float64(pass.PassOf) / float64(w.Number)
		}
		if pass == nil || pass.PassDone < pass.PassOf || !metas[shard].Ready {
			missing = append(missing, fmt.Sprintf("shard %d", shard))
			continue
		}
		sum.entered += pass.Entered
		sum.left += pass.Left
		sum.changed += pass.Changed
		for _, members := range pass.Members {
			sum.members += members
		}
	}
	return sum, progress, missing
}

// pass returns how far a shard's pass of the run's model has got, or nil when the shard has not begun it.
func (w *work) pass(meta *cache.Meta) *cache.Progress {
	if meta == nil {
		return nil
	}
	p := meta.Expansions[w.e.ExpansionID]
	if p == nil || p.Epoch != w.e.Run.Epoch || p.PassOf <= 0 {
		return nil
	}
	return p
}

// await reads the metas of the shards again and again until look finds none missing. It reports the progress within the
// stage that look returns.
func (w *work) await(ctx context.Context, stage schemas.Stage, look func([]*cache.Meta) (progress float64, missing []string)) error {
	pauses := retry.Backoff{First: 4 * time.Millisecond, Last: 250 * time.Millisecond, Factor: 1.125}
	for {
		metas, err := w.Shards.ReadMetas(ctx, w.Number)
		if err != nil {
			return fmt.Errorf("look at the shards: %w", err)
		}
		progress, missing := look(metas)
		if len(missing) == 0 {
			return nil
		}
		w.report(ctx, stage, progress, "waits for "+list(missing))
		if err := pauses.Wait(ctx); err != nil {
			return err
		}
	}
}

// list names some, and how many more there are.
func list(all []string) string {
	if more := len(all) - mostNamed; more > 0 {
		return strings.Join(all[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(all, ", ")
}
