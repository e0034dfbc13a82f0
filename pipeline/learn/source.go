package learn

import (
	"kindred/pipeline/cache"
	"kindred/schemas"
)

// See returns a source as the metas of all shards show it; nil while one of them is missing or not whole. Of a source that is an
// expansion itself they show the size only.
func See(source string, metas []*cache.Meta) *schemas.SourceSeen {
	seen := &schemas.SourceSeen{Sizes: make([]int64, len(metas)), Flips: make([]int64, len(metas)), Caches: make([]string, len(metas))}
	for shard, meta := range metas {
		if meta == nil || !meta.Ready {
			return nil
		}
		seen.Caches[shard] = meta.Incarnation[:min(8, len(meta.Incarnation))]
		if segment, known := meta.Segments[source]; known {
			seen.Sizes[shard], seen.Flips[shard] = segment.Size, segment.Flips
		} else if expansion := meta.Expansions[source]; expansion != nil {
			for _, members := range expansion.Members {
				seen.Sizes[shard] += members
			}
		}
	}
	return seen
}
