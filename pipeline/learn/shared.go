package learn

import (
	"sync"

	"kindred/pipeline/cache"
	"kindred/pipeline/train"
)

// mostFits is how many fits are kept for others.
const mostFits = 32

// Shared is what runs share that learn one after the other: what was read and counted of the shards, as long as their rows are
// still so, and what was found in a sample, for whoever draws the same. Each finds what it would find alone. The zero value is
// empty. It holds the rows of all customers: drop it when nobody is about to learn.
type Shared struct {
	mutex    sync.Mutex
	readings []*reading
	fits     map[string]*train.Result // by the fingerprint of the sample
}

// reading is what a run has read of a shard, and counted in it, that does not depend on what it learns.
type reading struct {
	view   *cache.View
	counts *counts
}

// take returns what was left by shard, nil for one of which nothing was; it is the run's that takes it.
func (s *Shared) take(shards int) []*reading {
	taken := make([]*reading, shards)
	if s != nil {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		copy(taken, s.readings)
		s.readings = nil
	}
	return taken
}

// leave leaves to the next run what was read.
func (s *Shared) leave(shards []*shard) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.readings = make([]*reading, len(shards))
	for i := range shards {
		s.readings[i] = shards[i].reading
	}
}

// fit returns what was found in a sample; nil: nobody has looked.
func (s *Shared) fit(fingerprint string) *train.Result {
	if s == nil {
		return nil
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.fits[fingerprint]
}

// keep keeps what was found in a sample.
func (s *Shared) keep(fingerprint string, found *train.Result) {
	if s == nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.fits) >= mostFits {
		s.fits = nil
	}
	if s.fits == nil {
		s.fits = map[string]*train.Result{}
	}
	s.fits[fingerprint] = found
}
