package shard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/pipeline/cache"
	"kindred/schemas/retry"
)

const (
	quickest = 5 * time.Millisecond   // between two saves, when the shard was at rest before
	slowest  = 250 * time.Millisecond // between two that cost much, or that follow on each other
	renewal  = time.Second            // longest time without a save: each also shows whether the cache is still ours

	checkEvery = 2 * time.Second  // whether Redis has dropped something, which it should not be allowed to
	reminded   = 30 * time.Second // how often it is logged that the cache still cannot be saved
)

// saveTries are the pauses after saves that failed.
var saveTries = retry.Backoff{First: slowest, Last: 5 * time.Second}

// saving is the one save that may be under way. How often the owner saves decides only how much a crash repeats.
type saving struct {
	done    chan error  // receives the result of the save under way; nil: there is none
	under   *cache.Save // what is being saved; nil: it is only asked whether Redis answers again
	began   time.Time
	checked time.Time     // when the blocks were last compared
	next    time.Time     // earliest start of the next
	spacing time.Duration // between the last and the next: doubled by each that follows on another
	timer   *time.Timer   // fires when save should look again
	urgent  bool          // the next save starts as soon as the last one has ended: others wait for the meta it writes
	dirty   bool          // progress or published states have changed since the last save

	failing time.Time     // since when saves fail; zero: they do not
	warned  time.Time     // when that was last logged
	answers bool          // Redis does again
	pauses  retry.Backoff // between saves that fail

	// As last saved, or being saved.
	// Invariant: offsets are never ahead of states. What a record below them made of rows and published states is saved in
	// the same transaction or before it. Once the owner has caught up, Kafka has acknowledged what the record caused, too;
	// before that, the pass that ends the take-over publishes it.
	offsets [inputCount]int64
	through int64
}

func (s *saving) hurry() { s.urgent = true }

// space sets how long the save after the one that begins now has to wait. What comes after a rest is saved at once, since a run
// may be waiting for it. In a stream of changes the pauses grow: a save of many rows costs little more than a save of one.
func (s *saving) space(now time.Time) {
	if now.Sub(s.began) > 2*slowest {
		s.spacing = quickest
	} else {
		s.spacing = min(2*s.spacing, slowest)
	}
}

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
	now := time.Now()
	s.space(now)
	s.began, s.done = now, make(chan error, 1)
	s.timer.Reset(quickest)
	ctx = context.WithoutCancel(ctx) // a save under way is finished; each of its transactions has a time limit
	if !s.failing.IsZero() && !s.answers {
		// Copying the mirror would be in vain until Redis answers.
		go func(done chan<- error, writer *cache.Writer) {
			limited, cancel := context.WithTimeout(ctx, slowest)
			defer cancel()
			_, err := o.Cache.Owns(limited, writer)
			done <- err
		}(s.done, o.writer)
		return
	}
	s.offsets, s.through, s.dirty, s.urgent = offsets, o.meta.Through, false, false
	o.meta.Offsets = cache.Offsets{
		Profiles: offsets[profilesInput], SegmentMembers: offsets[segmentsInput],
		Models: offsets[modelsInput], Memberships: offsets[membershipsInput], Changes: offsets[changesInput],
	}
	o.meta.Ready = o.meta.Ready || o.caughtUp.Load()
	if o.caughtUp.Load() {
		o.meta.SavedAt = s.began.UnixMilli()
	}
	o.countMembers()
	s.under = o.mirror.Snapshot(o.meta)
	var shape *cache.Shape
	if o.meta.Ready && s.began.Sub(s.checked) > checkEvery {
		s.checked, shape = s.began, o.Cache.Shape(o.mirror)
	}
	go func(done chan<- error, writer *cache.Writer, save *cache.Save) {
		err := writer.Exec(ctx, save)
		if err == nil && shape != nil {
			if err = writer.Check(ctx, shape); !errors.Is(err, cache.ErrLost) {
				err = nil // nothing was found missing: all is saved, whatever else went wrong
			}
		}
		done <- err
	}(s.done, o.writer, s.under)
}

// saveEnded takes the result of a save. A cache that is not as it was last written may be lost, stale, or somebody
// else's: Kafka knows whose the shard is. If it is still ours, the cache is written anew from the mirror.
func (o *Owner) saveEnded(ctx context.Context, fence Fence, err error) error {
	s := &o.saving
	o.status.saved(err)
	took := time.Since(s.began)
	s.next = time.Now().Add(min(max(s.spacing, 4*took), slowest))
	switch {
	case err == nil && s.under == nil: // Redis answers again
		s.answers, s.next = true, time.Time{}
		return nil
	case err == nil:
		o.saved()
		return nil
	}
	o.takeBack()
	s.answers = false
	s.next = time.Now().Add(s.pauses.Next())
	if !errors.Is(err, cache.ErrLost) {
		o.complain(err)
		return ctx.Err()
	}
	o.mirror.MarkAllDirty()
	profiles := map[int]int64{o.Shard: o.inputs.at[profilesInput]}
	if err := fence.Commit(ctx, o.inputs.topics[profilesInput], profiles); err != nil {
		return fmt.Errorf("somebody else has written the cache: %w", err)
	}
	o.Log.Warn("the cache is not as it was written; writing it anew", "shard", o.Shard)
	writer, err := o.Cache.Claim(ctx, o.Shard, true)
	if err != nil {
		o.complain(err)
		return ctx.Err()
	}
	o.writer = writer
	return nil
}

// saved notes that everything up to the last Snapshot is in the cache.
func (o *Owner) saved() {
	s := &o.saving
	s.under = nil
	o.Stats.Saves.Add(1)
	if !s.failing.IsZero() {
		o.Log.Info("the cache is saved again", "shard", o.Shard, "after", time.Since(s.failing).Round(time.Millisecond))
		s.failing = time.Time{}
	}
	s.pauses, s.answers = saveTries, true
}

// takeBack makes what the save under way has not stored part of the next one.
func (o *Owner) takeBack() {
	s := &o.saving
	if s.under != nil {
		o.mirror.TakeBack(s.under)
		s.under, s.dirty = nil, true
	}
}

// complain logs that Redis fails: at once, and then now and again while it lasts.
func (o *Owner) complain(err error) {
	s, now := &o.saving, time.Now()
	if s.failing.IsZero() {
		s.failing = now
	}
	if now.Sub(s.warned) > reminded {
		s.warned = now
		o.Log.Warn("redis does not do what was asked; trying again", "shard", o.Shard, "for", now.Sub(s.failing).Round(time.Second), "error", err)
	}
}

// awaitSave waits for the save under way. What it has not stored the next Run saves.
func (o *Owner) awaitSave() {
	s := &o.saving
	if s.done == nil {
		return
	}
	if err := <-s.done; err != nil {
		o.takeBack()
		if errors.Is(err, cache.ErrLost) {
			o.mirror.MarkAllDirty()
		}
	} else if s.under != nil {
		o.saved()
	}
	s.done = nil
}

// offsets returns what may be saved now: never past a record whose pass is not over.
func (o *Owner) offsets() (at [inputCount]int64) {
	at = o.inputs.at
	for _, held := range o.collecting {
		at[segmentsInput] = min(at[segmentsInput], held)
	}
	for _, p := range o.passes {
		for i, held := range p.held {
			at[i] = min(at[i], held)
		}
	}
	if o.told != nil {
		at[changesInput] = min(at[changesInput], o.told.from)
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
