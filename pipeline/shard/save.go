package shard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/pipeline/cache"
)

const (
	quickest = 5 * time.Millisecond   // between two saves that cost little
	slowest  = 250 * time.Millisecond // between two that cost much
	renewal  = time.Second            // longest time without a save: each also shows whether the cache is still ours

	saveTimeout = 10 * time.Second
	checkEvery  = 2 * time.Second // whether Redis has dropped a block, which it should not be allowed to
)

// saving is the one save that may be under way. How often the owner saves decides only how much a crash repeats.
type saving struct {
	done    chan error // receives the result of the save under way; nil: there is none
	began   time.Time
	checked time.Time   // when the blocks were last compared
	next    time.Time   // earliest start of the next
	timer   *time.Timer // fires when save should look again
	urgent  bool        // the next save starts as soon as the last one has ended: others wait for the meta it writes
	dirty   bool        // progress or published states have changed since the last save

	// As last saved, or being saved.
	// Invariant: offsets are never ahead of states. What a record below them made of rows and published states is saved in
	// the same transaction or before it. Once the owner has caught up, Kafka has acknowledged what the record caused, too;
	// before that, the pass that ends the take-over publishes it.
	offsets [inputCount]int64
	through int64
}

func (s *saving) hurry() { s.urgent = true }

// needed reports whether there is anything to save, or it is time for a save in any case.
func (s *saving) needed(offsets [inputCount]int64, through, savedAt int64) bool {
	return s.dirty || s.urgent || offsets != s.offsets || through != s.through ||
		time.Since(time.UnixMilli(savedAt)) > renewal
}

// save starts to save what has been acknowledged, when it is time. It never holds up the owner: what is dirty is
// copied, and a goroutine writes it. Rows and offsets are one transaction; after a crash before it, the records since the
// last save are applied again and nothing is lost.
func (o *Owner) save(ctx context.Context, fence Fence) error {
	s := &o.saving
	if s.done != nil {
		select {
		case err := <-s.done:
			s.done = nil
			if err := o.saveEnded(ctx, fence, err); err != nil {
				return err
			}
		default:
			s.timer.Reset(quickest)
			return nil
		}
	}
	if wait := time.Until(s.next); wait > 0 && !s.urgent {
		s.timer.Reset(wait)
		return nil
	}
	if o.caughtUp.Load() && len(o.touched) > 0 { // an abandoned publication: what these rows cause is not acknowledged
		s.timer.Reset(quickest)
		return nil
	}
	offsets := o.offsets()
	if !s.needed(offsets, o.meta.Through, o.meta.SavedAt) {
		s.timer.Reset(slowest)
		return nil
	}
	o.startSave(ctx, offsets)
	return nil
}

func (o *Owner) startSave(ctx context.Context, offsets [inputCount]int64) {
	s := &o.saving
	s.offsets, s.through, s.dirty, s.urgent = offsets, o.meta.Through, false, false
	s.began = time.Now()
	o.meta.Offsets = cache.Offsets{
		Profiles: offsets[profilesInput], SegmentMembers: offsets[segmentsInput],
		Models: offsets[modelsInput], Memberships: offsets[membershipsInput],
	}
	o.meta.Ready = o.meta.Ready || o.caughtUp.Load()
	if o.caughtUp.Load() {
		o.meta.SavedAt = s.began.UnixMilli()
	}
	o.countMembers()
	save := o.mirror.Snapshot(o.meta)
	s.done = make(chan error, 1)
	var shape *cache.Shape
	if o.meta.Ready && s.began.Sub(s.checked) > checkEvery {
		s.checked, shape = s.began, o.Cache.Shape(o.mirror)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout) // a save under way is finished
	go func(done chan<- error, writer *cache.Writer) {
		defer cancel()
		err := writer.Exec(ctx, save)
		if err == nil && shape != nil {
			err = writer.Check(ctx, shape)
		}
		done <- err
	}(s.done, o.writer)
	s.timer.Reset(quickest)
}

// saveEnded takes the result of a save. A cache that is not as it was last written may be lost, stale, or somebody
// else's: Kafka knows whose the shard is. If it is still ours, the cache is written anew from the mirror.
func (o *Owner) saveEnded(ctx context.Context, fence Fence, err error) error {
	s := &o.saving
	took := time.Since(s.began)
	s.next = time.Now().Add(min(max(quickest, 4*took), slowest))
	if err == nil {
		o.Stats.Saves.Add(1)
		return nil
	}
	o.mirror.MarkAllDirty()
	s.dirty = true
	s.next = time.Now().Add(slowest)
	if !errors.Is(err, cache.ErrLost) {
		o.Log.Warn("the cache could not be saved; trying again", "shard", o.Shard, "error", err)
		return ctx.Err()
	}
	profiles := map[int]int64{o.Shard: o.inputs.at[profilesInput]}
	if err := fence.Commit(ctx, o.inputs.topics[profilesInput], profiles); err != nil {
		return fmt.Errorf("somebody else has written the cache: %w", err)
	}
	o.Log.Warn("the cache is not as it was written; writing it anew", "shard", o.Shard)
	writer, err := o.Cache.Claim(ctx, o.Shard, true)
	if err != nil {
		o.Log.Warn("the cache could not be claimed; trying again", "shard", o.Shard, "error", err)
		return ctx.Err()
	}
	o.writer = writer
	return nil
}

// awaitSave waits for the save under way. When that has failed, the next Run writes everything again.
func (o *Owner) awaitSave() {
	if o.saving.done == nil {
		return
	}
	if err := <-o.saving.done; err != nil {
		o.mirror.MarkAllDirty()
		o.saving.dirty = true
	}
	o.saving.done = nil
}

// offsets returns what may be saved now: never past a record whose pass is not over.
func (o *Owner) offsets() (at [inputCount]int64) {
	at = o.inputs.at
	for _, held := range o.collecting {
		at[segmentsInput] = min(at[segmentsInput], held)
	}
	for _, p := range o.passes {
		at[p.input] = min(at[p.input], p.held)
	}
	return at
}

// countMembers puts the present number of members of every expansion into the meta that is about to be saved.
func (o *Owner) countMembers() {
	for id, p := range o.meta.Expansions {
		if published := o.mirror.Published(id, false); published != nil {
			p.Members = published.Members()
		} else {
			p.Members = [4]int64{}
		}
	}
}
