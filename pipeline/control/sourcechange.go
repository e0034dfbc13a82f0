package control

import (
	"slices"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/schemas"
)

// betweenWatches is between two looks at the sources of expansions with refresh.sourceChange, while no run waits for a look.
const betweenWatches = 5 * time.Second

// watches reports whether a refresh of the expansion depends on how much its source changes: not while one comes anyway.
func watches(e *schemas.Expansion) bool { return triggers(e).SourceChange > 0 && !busy(e) }

func (s *state) watching() bool {
	for _, e := range s.expansions {
		if watches(e) {
			return true
		}
	}
	return false
}

// sourceChanges returns what is decided on the sources as the shards show them. When the share that a policy names has entered or
// left since the last commit, that asks for a refresh, in the transaction that counts from here on: so it asks once.
func (s *state) sourceChanges(metas []*cache.Meta, at time.Time) (steps []step) {
	for _, e := range s.inOrder() {
		if !watches(e) {
			continue
		}
		now := learn.See(e.Definition.SourceSegmentID, metas)
		if now == nil {
			continue
		}
		noted := *e
		noted.Source = now
		if !sameShards(e.Source, now) {
			steps = append(steps, step{expansion: &noted}) // an earlier build has committed it
			continue
		}
		changed, counted := changedSince(e.Source, now)
		switch {
		case changed > 0 && float64(changed) >= e.Definition.Refresh.SourceChange*float64(e.Source.Size()):
			asked := refreshOf(e, schemas.CauseSourceChange, "source-change", slotAt(at))
			steps = append(steps, step{expansion: &noted, requests: []schemas.ExpandRequest{asked}})
		case counted != e.Source:
			noted.Source = counted
			steps = append(steps, step{expansion: &noted})
		}
	}
	return steps
}

func sameShards(seen, now *schemas.SourceSeen) bool {
	n := len(now.Sizes)
	return seen != nil && len(seen.Sizes) == n && len(seen.Flips) == n && len(seen.Caches) == n
}

// changedSince returns how many customers have entered or left a source since it was seen: nobody, when now is older than that,
// as of a look that began before the commit. A cache that was rebuilt meanwhile has
// counted from its own beginning: of that shard the sizes tell, and counted, which replaces what was seen, goes on from there.
func changedSince(seen, now *schemas.SourceSeen) (changed int64, counted *schemas.SourceSeen) {
	counted = seen
	for shard := range now.Sizes {
		grown := max(now.Sizes[shard]-seen.Sizes[shard], seen.Sizes[shard]-now.Sizes[shard])
		if now.Caches[shard] == seen.Caches[shard] {
			if now.Flips[shard] < seen.Flips[shard] {
				return 0, seen
			}
			changed += max(grown, now.Flips[shard]-seen.Flips[shard])
			continue
		}
		changed += grown
		if counted == seen {
			counted = &schemas.SourceSeen{
				Sizes: seen.Sizes, Flips: slices.Clone(seen.Flips), Caches: slices.Clone(seen.Caches),
			}
		}
		counted.Flips[shard], counted.Caches[shard] = now.Flips[shard]-grown, now.Caches[shard]
	}
	return changed, counted
}
