package shard

import (
	"slices"
	"sync"
	"time"
)

// State is how the owner of a shard is at one moment.
type State struct {
	Shard    int
	CaughtUp bool
	Behind   int64     // offsets that were left to read when it last looked; 0 once it has caught up
	Rows     int       // as of when it caught up
	Saved    time.Time // when its cache was last saved by this process; zero: not yet
	Err      error     // why it has stopped, or why its last save failed; nil: neither
}

// States returns how the owners of this process are, by shard.
func (w *Worker) States() []State {
	w.mu.Lock()
	defer w.mu.Unlock()
	states := make([]State, 0, len(w.owners))
	for _, o := range w.owners {
		state := o.status.get()
		state.Shard, state.CaughtUp = o.Shard, o.CaughtUp()
		states = append(states, state)
	}
	slices.SortFunc(states, func(a, b State) int { return a.Shard - b.Shard })
	return states
}

// status is what the owner's loop says of itself, for others to read.
type status struct {
	mu    sync.Mutex
	state State
}

func (s *status) get() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// behind says how much is left to read before the owner has caught up, and with 0 that it has, with so many rows.
func (s *status) behind(offsets int64, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Behind, s.state.Rows = offsets, rows
}

// saved says that a save has ended, well if err is nil.
func (s *status) saved(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Err = err; err == nil {
		s.state.Saved = time.Now()
	}
}

// stopped says that the owner has stopped.
func (s *status) stopped(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Err = err
}
