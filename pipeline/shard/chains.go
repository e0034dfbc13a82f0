package shard

import (
	"cmp"
	"maps"
	"slices"

	"kindred/pipeline/cache"
)

// used is who is in a segment that an expansion uses: the members of a segment, or those who are published as members of another
// expansion. The zero value has nobody in it.
type used struct {
	listed   *cache.Segment
	expanded *cache.Published
}

func (u used) has(row int) bool { return u.listed.Has(row) || u.expanded.Has(row) }

// find returns who is in the segment or expansion with this id. An expansion has the members that are published, whatever has
// become of its model.
func (o *Owner) find(id string) used {
	if segment := o.mirror.Segment(id); segment != nil && o.expansions[id] == nil {
		return used{listed: segment}
	}
	return used{expanded: o.mirror.Published(id, false)}
}

// link finds the segments that an expansion uses.
func (o *Owner) link(e *expansion) {
	d := &e.model.Definition
	e.candidates, e.source = o.find(d.Candidates.SegmentID), o.find(d.SourceSegmentID)
	e.suppress = e.suppress[:0]
	for _, id := range d.Suppress {
		if u := o.find(id); u != (used{}) {
			e.suppress = append(e.suppress, u)
		}
	}
}

// uses reports whether a change of the segment can change who is a member.
func (e *expansion) uses(segment string) bool {
	d := &e.model.Definition
	return d.Candidates.SegmentID == segment || d.ExcludeSource && d.SourceSegmentID == segment || slices.Contains(d.Suppress, segment)
}

// affected returns the expansions whose members can change with those of a segment or an expansion, by way of others too, in the
// order in which a row is reconciled for them.
func (o *Owner) affected(id string) (all []*expansion) {
	changes := []string{id}
	for _, e := range o.inOrder {
		if e.id != id && slices.ContainsFunc(changes, e.uses) {
			changes = append(changes, e.id)
			all = append(all, e)
		}
	}
	return all
}

// arrange puts the expansions in the order in which a row is reconciled for them: each after those whose members it uses, and
// those that come equally late by id. The order follows from the models, not from when they came. A cycle cannot be asked for;
// if the log holds one nevertheless, some expansion of it sees another one as it was published before.
func (o *Owner) arrange() {
	depths := map[string]int{}
	o.inOrder = o.inOrder[:0]
	for _, id := range slices.Sorted(maps.Keys(o.expansions)) {
		e := o.expansions[id]
		e.linked = 0 // what was a segment or nothing may be an expansion now
		o.depth(e, depths)
		o.inOrder = append(o.inOrder, e)
	}
	slices.SortStableFunc(o.inOrder, func(a, b *expansion) int { return cmp.Compare(depths[a.id], depths[b.id]) })
}

// depth returns how many expansions stand one on the other below an expansion. known are those that were found, or are looked
// for.
func (o *Owner) depth(e *expansion, known map[string]int) int {
	if depth, found := known[e.id]; found {
		return depth
	}
	known[e.id] = 0
	depth := 0
	for _, id := range e.model.Definition.Segments() {
		if below := o.expansions[id]; below != nil {
			depth = max(depth, 1+o.depth(below, known))
		}
	}
	known[e.id] = depth
	return depth
}
