package control

import (
	"kindred/schemas"
	"kindred/schemas/wire"
)

// learnSegment takes in the router's record of a segment. A record that is not a segment's changes nothing; one of a format
// that this build does not know is an error that wraps schemas.ErrFormat.
func (c *Controller) learnSegment(segments map[string]*schemas.Segment, r *wire.Record) error {
	if err := schemas.CheckFormat(r.Headers); err != nil {
		return err
	}
	if r.Value == nil {
		delete(segments, string(r.Key))
		return nil
	}
	s := new(schemas.Segment)
	if err := s.Decode(r.Key, r.Value); err != nil {
		c.Log.Warn("the record of a segment cannot be read", "offset", r.Offset, "error", err)
		return nil
	}
	segments[s.SegmentID] = s
	return nil
}

// segmentStates returns what brings the states of the expansions in line with their segments: one that uses a segment which
// is gone keeps its members, but its state is segment_gone until the segment is back.
func (s *state) segmentStates() []step {
	var steps []step
	for _, e := range s.inOrder() {
		if e.Definition == nil {
			continue
		}
		should := schemas.StateLive
		for _, id := range e.Definition.Segments() {
			if segment := s.segments[id]; segment != nil && segment.Gone {
				should = schemas.StateSegmentGone
			}
		}
		if e.State != should {
			changed := *e
			changed.State = should
			steps = append(steps, step{expansion: &changed})
		}
	}
	return steps
}
