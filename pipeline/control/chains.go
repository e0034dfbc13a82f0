package control

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kindred/schemas"
)

// An expansion can be used wherever a segment can: as source, candidates or suppression of another. So these hold:
//
//  1. What an expansion uses is what its committed definition names, and what its requests name that wait or are under way: any
//     of these may count next, but for dry runs, which only read. By that, no expansion is made from itself, nor from more than
//     so many others one on the other.
//  2. Whoever is used is not deleted. A deletion waits for the deletions of its users that were asked for before it.
//  3. A run begins after those of the expansions that it builds on which were asked for before it, and learns when none of them
//     is publishing, or learns itself: so it sees their members as their runs have left them.
const mostChained = 8

// isExpansion reports whether an id names an expansion, and no segment.
func (s *state) isExpansion(id string) bool {
	e := s.expansions[id]
	return (e != nil && !e.OnlyTried() || s.unreadableExpansions[id] != nil) && !s.isSegment(id)
}

// uses returns the ids of the segments, and expansions, that an expansion uses.
func uses(e *schemas.Expansion) (ids []string) {
	if e.Definition != nil {
		ids = e.Definition.Segments()
	}
	if interruptible(e) && !e.Run.Request.DryRun {
		ids = append(ids, e.Run.Request.Segments()...)
	}
	for i := range e.Pending {
		if r := &e.Pending[i].Request; !r.DryRun {
			ids = append(ids, r.Segments()...)
		}
	}
	return ids
}

// users returns the expansions that use one, by id.
func (s *state) users(id string) []*schemas.Expansion {
	return slices.DeleteFunc(s.inOrder(), func(e *schemas.Expansion) bool { return !slices.Contains(uses(e), id) })
}

// below visits the expansions that a request of one builds on, each once, until visit reports that it has seen enough.
func (s *state) below(e *schemas.Expansion, r *schemas.ExpandRequest, visit func(*schemas.Expansion) (enough bool)) {
	seen := map[string]bool{e.ExpansionID: true}
	var descend func(ids []string) bool
	descend = func(ids []string) bool {
		for _, id := range ids {
			other := s.expansions[id]
			if other == nil || seen[id] {
				continue
			}
			seen[id] = true
			if visit(other) || descend(uses(other)) {
				return true
			}
		}
		return false
	}
	descend(append(uses(e), r.Segments()...))
}

// refusedByChain returns why what a request names cannot be built on, or nil.
func (s *state) refusedByChain(r *schemas.ExpandRequest) *schemas.RunError {
	named := slices.DeleteFunc(r.Segments(), func(id string) bool { return id != r.ExpansionID && !s.isExpansion(id) })
	for _, id := range named {
		if path := s.path(id, r.ExpansionID, map[string]bool{}); path != nil {
			return schemas.Refuse(schemas.CodeCycle, "name another segment", "expansion %s cannot be made from itself (%s)",
				r.ExpansionID, strings.Join(append([]string{r.ExpansionID}, path...), " uses "))
		}
		if why := s.refusedToBuildOn(id, true); why != nil {
			return why
		}
	}
	if len(named) == 0 {
		return nil
	}
	below, known := 0, map[string]int{}
	for _, id := range named {
		below = max(below, s.depth(id, known))
	}
	if n := below + 1 + s.height(r.ExpansionID, map[string]int{}); n > mostChained {
		return schemas.Refuse(schemas.CodeBadValue, "build on a segment, or on an expansion that is closer to one",
			"%d expansions would be built one on the other, more than %d", n, mostChained)
	}
	return nil
}

// path returns how one expansion uses another one, from the first id to the second; nil: it does not. tried are those that were
// looked at.
func (s *state) path(from, to string, tried map[string]bool) []string {
	if from == to {
		return []string{to}
	}
	e := s.expansions[from]
	if e == nil || tried[from] {
		return nil
	}
	tried[from] = true
	for _, id := range uses(e) {
		if path := s.path(id, to, tried); path != nil {
			return append([]string{from}, path...)
		}
	}
	return nil
}

// depth returns how many expansions stand one on the other up to an id, itself included; 0 for a segment. known are those that
// were found, or are looked for: the log may hold a cycle.
func (s *state) depth(id string, known map[string]int) int {
	e := s.expansions[id]
	if depth, found := known[id]; found || e == nil {
		return depth
	}
	known[id] = 0
	depth := 0
	for _, used := range uses(e) {
		depth = max(depth, s.depth(used, known))
	}
	depth++
	known[id] = depth
	return depth
}

// height returns how many expansions stand one on the other on top of an id, itself not included. known is as for depth.
func (s *state) height(id string, known map[string]int) int {
	if height, found := known[id]; found {
		return height
	}
	known[id] = 0
	height := 0
	for _, user := range s.users(id) {
		height = max(height, 1+s.height(user.ExpansionID, known))
	}
	known[id] = height
	return height
}

// bottomUp lists the expansions, each after those that it uses, else by id.
func (s *state) bottomUp() []*schemas.Expansion {
	all, depths := s.inOrder(), map[string]int{}
	for _, e := range all {
		s.depth(e.ExpansionID, depths)
	}
	slices.SortStableFunc(all, func(a, b *schemas.Expansion) int {
		return cmp.Compare(depths[a.ExpansionID], depths[b.ExpansionID])
	})
	return all
}

// refusedToBuildOn returns why nothing can be made from an expansion, or nil. Before a run has its turn, the first run of what it
// builds on may come.
func (s *state) refusedToBuildOn(id string, mayCome bool) *schemas.RunError {
	e := s.expansions[id]
	switch {
	case s.unreadableExpansions[id] != nil:
		return s.unreadableExpansions[id]
	case leaving(e):
		return schemas.Refuse(schemas.CodeSegmentGone, "name another segment, or expand it anew after that",
			"expansion %s is being deleted", id)
	case e.Definition != nil, mayCome && coming(e):
		return nil
	case e.State == schemas.StateDeleted:
		return schemas.Refuse(schemas.CodeSegmentGone, "name another segment, or expand its source anew under that id (kindred expand)",
			"expansion %s was deleted", id)
	}
	return schemas.Refuse(schemas.CodeUnknownSegment, "wait until it has members (kindred show), then ask again",
		"expansion %s has never been committed", id)
}

// tooEarly reports whether the refresh that waits of an expansion comes before runs of those it builds on, so that a later one
// cannot join it. Where two wait already it can: the second came later, and there are never more.
func (s *state) tooEarly(e *schemas.Expansion) (early bool) {
	waits := slices.DeleteFunc(slices.Clone(e.Pending), func(p schemas.Pending) bool { return p.Request.DryRun })
	last := len(waits) - 1
	if last > 0 && isRefresh(waits[last-1]) {
		return false
	}
	s.below(e, &waits[last].Request, func(other *schemas.Expansion) bool {
		early = slices.ContainsFunc(other.Pending, func(o schemas.Pending) bool { return o.Offset > waits[last].Offset && !o.Request.DryRun })
		return early
	})
	return early
}

// coming reports whether an expansion is none yet, and a request waits or runs that makes it one.
func coming(e *schemas.Expansion) bool { return e.Definition == nil && e.Asked() != nil && !leaving(e) }

// refusedInUse returns why an expansion cannot be deleted, or nil. Those of its users that are being deleted are waited for.
func (s *state) refusedInUse(id string) *schemas.RunError {
	var names []string
	for _, user := range s.users(id) {
		if !leaving(user) {
			names = append(names, user.ExpansionID)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return schemas.Refuse(schemas.CodeInUse, "delete them first, or edit them to use another segment (kindred edit)",
		"expansion %s is used by %s", id, list(names))
}

// goesBefore returns what else goes before a waiting request of an expansion, for people; empty: nothing.
func (s *state) goesBefore(e *schemas.Expansion, p schemas.Pending) (what string) {
	if isDelete(p) {
		for _, user := range s.users(e.ExpansionID) {
			if leaving(user) {
				return fmt.Sprintf("waits until %s is deleted, which uses it", user.ExpansionID)
			}
		}
		return ""
	}
	s.below(e, &p.Request, func(other *schemas.Expansion) bool {
		earlier := slices.ContainsFunc(other.Pending, func(o schemas.Pending) bool { return o.Offset < p.Offset && !o.Request.DryRun })
		if other.Run != nil && !other.Run.Request.DryRun || earlier || coming(other) {
			what = fmt.Sprintf("waits for the run of %s, which it uses", other.ExpansionID)
		}
		return what != ""
	})
	return what
}

// buildsOn reports whether the run of an expansion builds on another one.
func (s *state) buildsOn(e, other *schemas.Expansion) (does bool) {
	s.below(e, &e.Run.Request, func(below *schemas.Expansion) bool {
		does = below == other
		return does
	})
	return does
}

// unpublished returns which expansion that another one builds on is publishing, for people; empty: none.
func (s *state) unpublished(e *schemas.Expansion) (what string) {
	s.below(e, &e.Run.Request, func(other *schemas.Expansion) bool {
		if other.Run != nil && other.Run.Committed {
			what = fmt.Sprintf("waits until %s is published, which it uses", other.ExpansionID)
		}
		return what != ""
	})
	return what
}
