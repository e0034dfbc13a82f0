package shard

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// defaultStale is Kafka's default of delete.retention.ms.
const defaultStale = 24 * time.Hour

// takeOver makes the shard ours and finds what must be read before anything is published. It begins with the mirror in
// memory if that can be continued, else with what the cache holds, else with nothing, which means to read everything from
// the start. These differ only in the offsets at which reading begins.
func (o *Owner) takeOver(ctx context.Context, fence Fence) error {
	o.saving.timer = time.NewTimer(quickest)
	kept, err := o.keep(ctx, fence)
	if err != nil {
		return err
	}
	if !kept {
		if err := o.load(ctx, fence); err != nil {
			return err
		}
	}
	o.readChanges()
	o.letters.Reset() // those that were not acknowledged: their records are read again
	positions := o.inputs.positions()
	ends, err := o.Reader.Ends(ctx, positions)
	if err != nil {
		return fmt.Errorf("find the ends of the inputs: %w", err)
	}
	for i, end := range ends {
		switch err := positions[i].Reaches(end); {
		case err != nil && i == changesInput:
			o.Log.Warn("the log of changes has lost its end; all members are told again", "shard", o.Shard, "error", err)
			o.beginChanges()
		case err != nil:
			return fmt.Errorf("go on where the cache was saved: %w", err)
		}
	}
	o.caughtUp.Store(false)
	o.backlog = o.inputs.newBacklog(ends, cmp.Or(o.stretch, stretchOffsets))
	behind := o.backlog.behind()
	o.status.behind(behind, o.mirror.Rows())
	o.Log.Info("taking over", "shard", o.Shard, "kept", kept, "rows", o.mirror.Rows(), "behind", behind)
	return nil
}

// keep reports whether the mirror of an earlier generation can be continued, and makes the cache ours then. It can, wherever
// the shard has been meanwhile, as long as no tombstone can have expired since it had caught up: all that came is read.
// But when somebody else has saved the shard since, that is quicker to load.
func (o *Owner) keep(ctx context.Context, fence Fence) (bool, error) {
	if o.mirror == nil || o.stale(o.fresh) {
		return false, nil
	}
	var owns bool
	var meta *cache.Meta
	err := o.untilAnswered(ctx, func(ctx context.Context) (err error) {
		if owns, err = o.Cache.Owns(ctx, o.writer); err == nil && !owns {
			meta, err = o.Cache.ReadMeta(ctx, o.Shard)
		}
		return err
	})
	if err != nil || owns {
		return owns, err
	}
	if meta != nil && meta.Ready {
		return false, nil
	}
	if err := o.confirm(ctx, fence, o.inputs.at[profilesInput]); err != nil {
		return false, err
	}
	err = o.untilAnswered(ctx, func(ctx context.Context) (err error) {
		o.writer, err = o.Cache.Claim(ctx, o.Shard, true)
		return err
	})
	o.mirror.MarkAllDirty()
	o.saving.dirty = true
	return err == nil, err
}

// stale reports whether the tombstone of an erasure may have expired unseen since a time. Zero is the time of a shard that
// never had caught up: what it holds was read from topics that had all that counts.
func (o *Owner) stale(since time.Time) bool {
	after := o.StaleAfter
	if after == 0 {
		after = defaultStale
	}
	return !since.IsZero() && time.Since(since) > after
}

// confirm returns an error unless Kafka says that the shard is ours: it takes a commit of the group's present member only.
func (o *Owner) confirm(ctx context.Context, fence Fence, at int64) error {
	if err := fence.Commit(ctx, o.Prefix.Topic(schemas.Profiles), map[int]int64{o.Shard: at}); err != nil {
		return fmt.Errorf("the shard has another owner: %w", err)
	}
	return nil
}

// untilAnswered asks Redis until it answers. While it is away a shard waits, with all that it has in memory.
func (o *Owner) untilAnswered(ctx context.Context, ask func(context.Context) error) error {
	pauses := saveTries
	for {
		limited, cancel := context.WithTimeout(ctx, redisPatience)
		err := ask(limited)
		cancel()
		if err == nil {
			return nil
		}
		o.complain(err)
		if ended := pauses.Wait(ctx); ended != nil {
			return fmt.Errorf("%w (last: %w)", ended, err)
		}
	}
}

const redisPatience = 30 * time.Second // for what Redis is asked at once while a shard is taken over: a whole cache

// load starts from the cache, or from nothing when it does not hold the shard whole or is too old to be trusted.
func (o *Owner) load(ctx context.Context, fence Fence) error {
	mirror, meta, err := o.claim(ctx, fence)
	if err != nil {
		return err
	}
	models, err := decoded(mirror)
	if err != nil {
		mirror, meta.Damaged = nil, err.Error()
	}
	if meta != nil && meta.Damaged != "" {
		o.Log.Warn("the cache cannot be used; the shard is rebuilt", "shard", o.Shard, "why", meta.Damaged)
	}
	if mirror != nil {
		if err := o.sameTopics(meta.Topics); err != nil {
			return err
		}
	}
	if mirror == nil || o.distrusted || o.stale(time.UnixMilli(meta.SavedAt)) {
		if err := o.untilAnswered(ctx, func(ctx context.Context) (err error) {
			o.writer, err = o.Cache.Claim(ctx, o.Shard, true)
			return err
		}); err != nil {
			return err
		}
		mirror, meta, models = cache.New(o.Shard), &cache.Meta{}, nil
		mirror.Whole = o.Cache.Whole
		o.distrusted = false
	}
	if meta.Expansions == nil {
		meta.Expansions = map[string]*cache.Progress{}
	}
	o.mirror, o.meta, o.fresh = mirror, *meta, time.Time{}
	o.meta.Topics = o.Topics[:]
	if meta.SavedAt > 0 {
		o.fresh = time.UnixMilli(meta.SavedAt)
	}
	o.expansions, o.inOrder, o.passes, o.touched, o.releasable = expansions{}, nil, nil, nil, nil
	o.collecting = map[string]int64{}
	o.saving = saving{timer: o.saving.timer, pauses: saveTries}
	o.inputs.partition = o.Shard
	for i, name := range Inputs {
		o.inputs.topics[i] = o.Prefix.Topic(name)
	}
	for i := range o.inputs.own {
		o.inputs.own[i].acked = 0
	}
	o.inputs.at = [inputCount]int64{
		profilesInput: meta.Offsets.Profiles, segmentsInput: meta.Offsets.SegmentMembers,
		modelsInput: meta.Offsets.Models, membershipsInput: meta.Offsets.Memberships,
	}
	o.loadChanges()
	for id, m := range models {
		o.adopt(id, m, beforeAll)
	}
	return nil
}

// sameTopics returns wire.ErrRecreated unless the topics are those whose offsets the cache holds.
func (o *Owner) sameTopics(saved []string) error {
	for i, id := range o.Topics {
		if i < len(saved) && id != "" && saved[i] != "" && saved[i] != id {
			return fmt.Errorf("%s has the id %s, and the cache was made from %s: %w", o.Prefix.Topic(Inputs[i]), id, saved[i], wire.ErrRecreated)
		}
	}
	return nil
}

// decoded returns the models that a mirror keeps as they were read.
func decoded(mirror *cache.Mirror) (map[string]*model.Read, error) {
	if mirror == nil {
		return nil, nil
	}
	models := map[string]*model.Read{}
	for _, id := range mirror.Models() {
		m, err := model.DecodeOnce(mirror.Model(id))
		if err != nil {
			return nil, fmt.Errorf("the cached model of %s: %w", id, err)
		}
		models[id] = m
	}
	return models, nil
}

// claim makes the cache ours, once Kafka has confirmed that the shard is, and loads it: from then on an older owner can store
// nothing.
func (o *Owner) claim(ctx context.Context, fence Fence) (mirror *cache.Mirror, meta *cache.Meta, err error) {
	if err := o.untilAnswered(ctx, func(ctx context.Context) (err error) {
		meta, err = o.Cache.ReadMeta(ctx, o.Shard)
		return err
	}); err != nil {
		return nil, nil, err
	}
	var at int64
	if meta != nil {
		at = meta.Offsets.Profiles
	}
	if err := o.confirm(ctx, fence, at); err != nil {
		return nil, nil, err
	}
	err = o.untilAnswered(ctx, func(ctx context.Context) (err error) {
		if o.writer, err = o.Cache.Claim(ctx, o.Shard, false); err == nil {
			mirror, meta, err = o.Cache.Load(ctx, o.Shard)
		}
		return err
	})
	return mirror, meta, err
}

// catchUp ends the take-over: it reads everything that was there, which from now on is reconciled.
func (o *Owner) catchUp(ctx context.Context, fence Fence) error {
	if err := o.readBacklog(ctx, fence); err != nil {
		return err
	}
	o.caughtUp.Store(true)
	o.fresh = time.Now()
	o.status.behind(0, o.mirror.Rows())
	o.freeGone()
	o.compareTold()
	o.forms = o.mirror.Forms()
	o.firstPass()
	o.saving.hurry()
	o.Log.Info("caught up", "shard", o.Shard, "rows", o.mirror.Rows())
	return nil
}

// forget drops the mirror, so that the next Run takes over from the cache.
func (o *Owner) forget() { o.mirror = nil }
