package reading

import (
	"errors"
	"fmt"
	"slices"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// Facts answers questions about one installation. It may be used by several goroutines.
type Facts struct {
	Prefix      schemas.Prefix
	Partitioner schemas.Partitioner
	Shards      int          // as many as profiles has partitions
	Kafka       wire.Reader  // for what Book does not hold: histories, dead letters, ends
	Cache       *cache.Store // nil: the caches cannot be asked, and what needs them is not called
	Book        *Book
	Parts       func() []Part // what the parts of this process say of themselves; nil: there are none

	reads places // one for each large read that is under way
}

// Refusal is why a question has no answer now.
type Refusal struct {
	Code string // NoExpansion, ...
	Err  error  // what is said to people
	Try  string // a way out on the command line
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Codes of a Refusal.
const (
	NoExpansion = "unknown_expansion"
	NoSegment   = "unknown_segment"
	NoRun       = "unknown_run"
	WasDeleted  = "deleted"
	NotYet      = "no_run_yet" // no run of the expansion has succeeded
	Busy        = "busy"       // too many ask for what takes long
	NotReady    = "not_ready"  // a cache is being filled, or Redis has lost it
	BadPlace    = "bad_cursor"
)

func noExpansion(id string) error {
	return &Refusal{NoExpansion, fmt.Errorf("there is no expansion %s", id), "kindred list"}
}

// readable adds the way out to the error of a cache that is not ready.
func readable(err error) error {
	if errors.Is(err, cache.ErrNotReady) {
		return &Refusal{NotReady, err, "again in a moment; is kindred serve running?"}
	}
	return err
}

// Expansion returns an expansion that exists. It may have been deleted.
func (f *Facts) Expansion(id string) (*schemas.Expansion, error) {
	if e := f.Book.Expansion(id); e != nil {
		return e, nil
	}
	return nil, noExpansion(id)
}

// Committed returns an expansion that a run has succeeded for and that was not deleted. Any other is an error.
func (f *Facts) Committed(id string) (*schemas.Expansion, error) {
	e, err := f.Expansion(id)
	switch {
	case err != nil:
		return nil, err
	case e.State == schemas.StateDeleted:
		return nil, &Refusal{WasDeleted, fmt.Errorf("expansion %s was deleted", id), "kindred list"}
	case e.Definition == nil || e.State == schemas.StateNew:
		return nil, &Refusal{NotYet, fmt.Errorf("no run of %s has succeeded yet", id), "kindred runs " + id}
	}
	return e, nil
}

// isDerived reports whether an id is that of an expansion. One that is of nothing is an error.
func (f *Facts) isDerived(id string) (bool, error) {
	switch {
	case slices.ContainsFunc(f.Book.Segments(), func(s schemas.Segment) bool { return s.SegmentID == id }):
		return false, nil
	case f.Book.Expansion(id) == nil:
		return false, &Refusal{NoSegment, fmt.Errorf("there is no segment %s", id), "kindred segments"}
	}
	return true, nil
}
