package shard

import (
	"errors"
	"fmt"
	"slices"
)

// freeGone forgets who was in the segments that are gone, when no expansion uses them: nothing would free them later, and
// names of segments are often used once. Only a new owner does it: what is freed here must stay in no hands.
func (o *Owner) freeGone() {
	used := func(segment string) bool {
		return slices.ContainsFunc(o.inOrder, func(e *expansion) bool {
			return slices.Contains(e.model.Definition.Segments(), segment)
		})
	}
	o.mirror.Free(used, o.mayRelease)
}

// errFreed means that something needs a segment that was freed. Kafka still knows who was in it: the shard is rebuilt.
var errFreed = errors.New("it is gone, and who was in it is forgotten here: the shard is rebuilt")

// needs returns errFreed when one of the segments was freed. The controller refuses runs over segments that are gone, so a
// model names one only if it was on its way when the segment went.
func (o *Owner) needs(segments []string) error {
	for _, id := range segments {
		if o.mirror.Segment(id).Freed() {
			return fmt.Errorf("segment %s: %w", id, errFreed)
		}
	}
	return nil
}
