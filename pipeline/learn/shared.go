package learn

import (
	"context"
	"sync"

	"kindred/pipeline/cache"
	"kindred/pipeline/train"
)

// mostFits is how many fits are kept for others.
const mostFits = 32

// Shared is what runs share that learn side by side, or one after the other: what was read and counted of the shards, as long as
// their rows are still so, and what was found in a sample, for whoever draws the same. Each finds what it would find alone.
//
// Rows are held once. One run reads at a time; where a shard has other rows than those that were read before, it waits until
// nobody learns from these any more, and reads into their memory. Whoever learns waits for nobody who reads.
//
// The zero value is empty. It holds the rows of all customers: drop it when nobody is about to learn.
type Shared struct {
	mutex    sync.Mutex
	changed  chan struct{}            // closed when something of what follows changes; nil: nobody waits for that
	reads    bool                     // a run reads
	learning int                      // runs that have read, and learn
	readings []reading                // by shard; nobody changes what they refer to while somebody learns
	fits     map[string]*train.Result // by the fingerprint of the sample; nil: a run fits it
}

// reading is what a run has read of a shard, and counted in it, that does not depend on what it learns.
type reading struct {
	view   *cache.View
	counts *counts // nil: what was read is not to be taken over
}

// begin waits until a run may read, and returns by shard what was read before. It has to end.
func (s *Shared) begin(ctx context.Context, shards int) (earlier []reading, err error) {
	err = s.await(ctx, func() bool {
		if s.reads {
			return false
		}
		s.reads, earlier = true, make([]reading, shards)
		copy(earlier, s.readings)
		return true
	})
	return earlier, err
}

// alone waits until nobody learns. Nobody begins to while the run that has begun reads.
func (s *Shared) alone(ctx context.Context) error {
	return s.await(ctx, func() bool { return s.learning == 0 })
}

// end ends the reading of a run, which learns from what it has read unless it could not read all.
func (s *Shared) end(read []*shard, all bool) {
	s.change(func() {
		s.reads = false
		if !all {
			return
		}
		s.learning++
		s.readings = make([]reading, len(read))
		for i := range read {
			s.readings[i] = read[i].reading
		}
	})
}

// leave ends the learning of a run. What was read is read anew if it was not well: the run has panicked.
func (s *Shared) leave(well bool) {
	s.change(func() {
		s.learning--
		if well {
			return
		}
		for i := range s.readings {
			s.readings[i].counts = nil
		}
	})
}

// fit returns what is found in a sample. Of those who look for the same one does, and the others wait for it.
func (s *Shared) fit(ctx context.Context, fingerprint string, find func() (*train.Result, error)) (found *train.Result, err error) {
	err = s.await(ctx, func() bool {
		var known bool
		if found, known = s.fits[fingerprint]; known {
			return found != nil
		}
		if s.fits == nil || len(s.fits) >= mostFits {
			s.fits = map[string]*train.Result{}
		}
		s.fits[fingerprint] = nil
		return true
	})
	if err != nil || found != nil {
		return found, err
	}
	defer s.change(func() {
		if delete(s.fits, fingerprint); found != nil {
			s.fits[fingerprint] = found
		}
	})
	found, err = find()
	return found, err
}

// await waits until something is so.
func (s *Shared) await(ctx context.Context, so func() bool) error {
	for {
		changed, is := s.look(so)
		if is {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Shared) look(so func() bool) (changed <-chan struct{}, is bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if so() {
		return nil, true
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed, false
}

// change changes something, and wakes those who wait.
func (s *Shared) change(something func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	something()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}
