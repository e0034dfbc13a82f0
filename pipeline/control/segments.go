package control

import (
	"kindred/schemas"
	"kindred/schemas/wire"
)

// learnSegment takes in the router's record of a segment. One of a format that this build does not know is an error that wraps
// schemas.ErrFormat. One that cannot be read makes that segment unreadable, and concerns nothing else.
func (s *state) learnSegment(r *wire.Record) error {
	if err := schemas.CheckFormat(r.Headers); err != nil {
		return err
	}
	id := string(r.Key)
	delete(s.segments, id)
	delete(s.unreadableSegments, id)
	if r.Value == nil {
		return nil
	}
	segment := new(schemas.Segment)
	if err := segment.Decode(r.Key, r.Value); err != nil {
		s.unreadableSegments[id] = unreadable("segment", id, schemas.Segments, r.Offset, err,
			"publish a null value under its key to that topic, and load the segment again (kindred load segment)")
		return nil
	}
	s.segments[id] = segment
	return nil
}

// isSegment reports whether an id is that of a segment, as far as the router has recorded it.
func (s *state) isSegment(id string) bool {
	return s.segments[id] != nil || s.unreadableSegments[id] != nil
}

// segmentStates returns what brings the states of the expansions in line with their segments: one that uses a segment which
// is gone keeps its members, but its state is segment_gone until the segment is back. So does one that uses an expansion which
// is deleted: nobody could ask for that, but the log may hold it.
func (s *state) segmentStates() []step {
	var steps []step
	for _, e := range s.inOrder() {
		if e.Definition == nil {
			continue
		}
		if should := s.stateOf(e.Definition); e.State != should {
			changed := *e
			changed.State = should
			steps = append(steps, step{expansion: &changed})
		}
	}
	return steps
}

// stateOf returns the state of an expansion with a committed definition.
func (s *state) stateOf(d *schemas.Definition) schemas.State {
	for _, id := range d.Segments() {
		segment, other := s.segments[id], s.expansions[id]
		if segment != nil && segment.Gone || segment == nil && other != nil && other.State == schemas.StateDeleted {
			return schemas.StateSegmentGone
		}
	}
	return schemas.StateLive
}
