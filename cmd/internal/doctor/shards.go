package doctor

import (
	"context"
	"fmt"
	"time"

	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/schemas"
)

// oldSave is how long a shard that has caught up may not have been saved: its owner does so every minute.
const oldSave = 3 * time.Minute

// shards says of the caches of all shards whether they are whole, recent, and how much has still to be read.
func (i *Installation) shards(ctx context.Context) ([]Finding, error) {
	shards := i.counts[i.Prefix.Topic(schemas.Profiles)]
	if shards == 0 {
		return nil, nil // which is a finding about topics
	}
	metas, err := i.Cache.ReadMetas(ctx, shards)
	if err != nil {
		return nil, err
	}
	ends, err := i.ends(ctx, shards)
	if err != nil {
		return nil, err
	}
	var v verdict
	for shard, meta := range metas {
		v.judge(i.now, shard, meta, ends[shard])
	}
	if len(v.absent) == shards {
		return i.noCaches(ctx)
	}
	return v.findings(shards), nil
}

// noCaches is about a Redis that holds nothing of the installation.
func (i *Installation) noCaches(ctx context.Context) ([]Finding, error) {
	group, err := i.Kafka.Group(ctx, string(i.Prefix)+"shards")
	if err != nil {
		return nil, err
	}
	if len(group.Members) == 0 {
		return []Finding{{State: Note, Text: "no shard has a cache: the first kindred serve builds them from the topics"}}, nil
	}
	return []Finding{{State: Problem, Text: fmt.Sprintf("this Redis holds no shard, though they are owned by %s", counted(len(group.Members), "process")),
		Try: "is --redis the one that kindred serve has? if it is, its log says why nothing is saved"}}, nil
}

// inputs are the topics of which the cache of a shard holds the offsets.
var inputs = []string{schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships}

// ends returns, by shard, where each of its inputs ends; -1 where the input has no such partition.
func (i *Installation) ends(ctx context.Context, shards int) ([][]int64, error) {
	all := make([][]int64, shards)
	for shard := range all {
		all[shard] = []int64{-1, -1, -1, -1}
	}
	for n, input := range inputs {
		var of []consumers.Position
		for _, at := range i.positions(input) {
			if at.Partition < shards {
				of = append(of, at)
			}
		}
		if len(of) == 0 {
			continue
		}
		found, err := i.fetcher.Ends(ctx, of)
		if err != nil {
			return nil, err
		}
		for shard, end := range found {
			all[shard][n] = end
		}
	}
	return all, nil
}

// verdict is what was found of all shards together.
type verdict struct {
	absent, unready, old []int
	damaged, beyond      []string
	oldest               time.Duration // age of the oldest save among the old ones
	behind               []string
	lag                  int64 // records
	latest               time.Duration
}

func (v *verdict) judge(now time.Time, shard int, meta *cache.Meta, ends []int64) {
	switch {
	case meta == nil:
		v.absent = append(v.absent, shard)
		return
	case meta.Damaged != "":
		v.damaged = append(v.damaged, fmt.Sprintf("%d (%s)", shard, meta.Damaged))
		return
	case !meta.Ready:
		v.unready = append(v.unready, shard)
		return
	}
	age := now.Sub(time.UnixMilli(meta.SavedAt))
	v.latest = max(v.latest, age)
	if age > oldSave {
		v.old = append(v.old, shard)
		v.oldest = max(v.oldest, age)
	}
	var lag int64
	o := meta.Offsets
	for n, at := range []int64{o.Profiles, o.SegmentMembers, o.Models, o.Memberships} {
		switch end := ends[n]; {
		case end < 0:
		case at > end:
			v.beyond = append(v.beyond, fmt.Sprintf("%s/%d ends at %d, and %d of it were read", inputs[n], shard, end, at))
		default:
			lag += end - at
		}
	}
	if lag > 0 {
		v.lag += lag
		v.behind = append(v.behind, fmt.Sprintf("%d by %d", shard, lag))
	}
}

func (v *verdict) findings(shards int) (found []Finding) {
	problem := func(text, try string) { found = append(found, Finding{State: Problem, Text: text, Try: try}) }
	if len(v.absent) > 0 {
		problem(fmt.Sprintf("%d of %s have no cache: %s", len(v.absent), counted(shards, "shard"), some(v.absent)),
			"kindred serve builds it; if one runs, its log says why it has not")
	}
	if len(v.unready) > 0 {
		problem(fmt.Sprintf("%d of %s are not ready: %s", len(v.unready), counted(shards, "shard"), some(v.unready)),
			"wait: a shard is rebuilt from the topics, in about a second for a million customers; if it stays so, the log of kindred serve says why")
	}
	if len(v.damaged) > 0 {
		problem("the cache cannot be used of shard "+some(v.damaged), "its owner rebuilds it by itself: start kindred serve if none runs")
	}
	if len(v.beyond) > 0 {
		problem("a topic was deleted and made anew: "+some(v.beyond), "start with a new --prefix, or clear the caches of these shards in Redis")
	}
	if len(v.old) > 0 {
		problem(fmt.Sprintf("%d of %s were not saved for %s: %s", len(v.old), counted(shards, "shard"), v.oldest.Round(time.Second), some(v.old)),
			"does kindred serve run, and can it write to Redis? its log says why it does not save")
	}
	if v.lag > 0 {
		found = append(found, Finding{State: Note, Text: fmt.Sprintf("%s are still to be read, by shard %s", counted(v.lag, "record"), some(v.behind))})
	}
	if found == nil {
		found = []Finding{{State: OK, Text: fmt.Sprintf("%s ready, all is read, saved at most %s ago", counted(shards, "shard"), v.latest.Round(time.Second))}}
	}
	return found
}
