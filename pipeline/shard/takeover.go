package shard

import (
	"context"
	"fmt"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// staleAfter is the smallest delete.retention.ms of the inputs (Kafka's default): a cache that was whole longer ago
// may have missed the tombstone of an erasure.
const staleAfter = 24 * time.Hour

// takeOver makes the shard ours and finds what must be read before anything is published. It begins with the mirror in
// memory if the cache is still as that was last saved, else with what the cache holds, else with nothing, which means to
// read everything from the start. These differ only in the offsets at which reading begins.
func (o *Owner) takeOver(ctx context.Context, fence Fence) error {
	o.saving.timer = time.NewTimer(quickest)
	kept := o.mirror != nil && o.Cache.Owns(ctx, o.writer)
	if !kept {
		if err := o.load(ctx, fence); err != nil {
			return err
		}
	}
	o.letters.Reset() // those that were not acknowledged: their records are read again
	positions := o.inputs.positions()
	ends, err := o.Reader.Ends(ctx, positions)
	if err != nil {
		return fmt.Errorf("find the ends of the inputs: %w", err)
	}
	for i, end := range ends {
		if err := positions[i].Reaches(end); err != nil {
			return fmt.Errorf("go on where the cache was saved: %w", err)
		}
		o.inputs.ends[i] = end
	}
	o.caughtUp.Store(false)
	o.Log.Info("taking over", "shard", o.Shard, "kept", kept, "rows", o.mirror.Rows(), "behind", o.inputs.behind())
	return nil
}

// load starts from the cache, or from nothing when it does not hold the shard whole or is too old to be trusted.
func (o *Owner) load(ctx context.Context, fence Fence) error {
	if err := o.claim(ctx, fence); err != nil {
		return err
	}
	mirror, meta, err := o.Cache.Load(ctx, o.Shard)
	if err != nil {
		return err
	}
	if meta != nil && meta.Damaged != "" {
		o.Log.Warn("the cache is damaged; the shard is rebuilt", "shard", o.Shard, "why", meta.Damaged)
	}
	if mirror == nil || time.Since(time.UnixMilli(meta.SavedAt)) > staleAfter {
		if o.writer, err = o.Cache.Claim(ctx, o.Shard, true); err != nil {
			return err
		}
		mirror, meta = cache.New(o.Shard), &cache.Meta{}
		mirror.Whole = o.Cache.Whole
	}
	if meta.Expansions == nil {
		meta.Expansions = map[string]*cache.Progress{}
	}
	o.mirror, o.meta = mirror, *meta
	o.expansions, o.inOrder, o.passes, o.touched, o.releasable = expansions{}, nil, nil, nil, nil
	o.collecting = map[string]int64{}
	o.saving = saving{timer: o.saving.timer}
	o.inputs.partition, o.inputs.acked = o.Shard, 0
	for i, name := range Inputs {
		o.inputs.topics[i] = o.Prefix.Topic(name)
	}
	o.inputs.at = [inputCount]int64{
		profilesInput: meta.Offsets.Profiles, segmentsInput: meta.Offsets.SegmentMembers,
		modelsInput: meta.Offsets.Models, membershipsInput: meta.Offsets.Memberships,
	}
	for _, id := range mirror.Models() {
		m, err := model.Decode(mirror.Model(id))
		if err != nil {
			return fmt.Errorf("the cached model of %s: %w", id, err)
		}
		o.adopt(id, m, mirror.Model(id))
	}
	return nil
}

// claim makes the cache ours, once Kafka has confirmed that the shard is: from then on an older owner can store nothing.
func (o *Owner) claim(ctx context.Context, fence Fence) error {
	meta, err := o.Cache.ReadMeta(ctx, o.Shard)
	if err != nil {
		return err
	}
	var at int64
	if meta != nil {
		at = meta.Offsets.Profiles
	}
	if err := fence.Commit(ctx, o.Prefix.Topic(schemas.Profiles), map[int]int64{o.Shard: at}); err != nil {
		return fmt.Errorf("the shard has another owner: %w", err)
	}
	o.writer, err = o.Cache.Claim(ctx, o.Shard, false)
	return err
}

// catchUp ends the take-over: everything that was there has been read, and from now on it is reconciled.
func (o *Owner) catchUp() {
	o.caughtUp.Store(true)
	o.repairPass()
	o.saving.hurry()
	o.Log.Info("caught up", "shard", o.Shard, "rows", o.mirror.Rows())
}

// forget drops the mirror, so that the next Run takes over from the cache.
func (o *Owner) forget() { o.mirror = nil }
