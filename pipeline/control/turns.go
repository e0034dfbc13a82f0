package control

import (
	"slices"

	"kindred/schemas"
)

// How runs take turns:
//
//  1. An expansion has one run under way at most. Its other requests wait behind it, and what becomes of them depends on
//     nothing but their own expansion.
//  2. Runs begin in the order of their requests, and so many learn at a time as there is use for: the oldest of those that can.
//     While they do, no other begins. But what somebody has asked for goes before what a trigger has: a data event may ask for
//     many refreshes, and nobody else waits for them, unless they are of what the own expansion builds on. One that somebody has
//     asked for learns beside any number of them, and while it does none of them begins.
//  3. A run that cannot learn yet, because a shard has not seen what it must see or because something holds it up, lends its
//     turn: the next begins, finds out what it waits for itself, and says so.
//  4. A deletion learns nothing. It begins, and is committed, as soon as no other run of its expansion is under way.
//  5. A committed run only waits until the shards have published. It keeps nobody from learning.
//  6. What an expansion builds on goes before it, and who builds on it before its deletion (chains.go). Neither takes a place
//     while it waits for that.
//  7. So many may be under way, and no more: what holds up all of them would hold up the next one, too, and each of them
//     writes events. Triggers leave room for what somebody asks for.
const (
	mostUnderWay  = 16 // runs that learn, or have learned
	mostTriggered = 12 // of these, that nobody has asked for
	mostLeaving   = 64 // deletions
)

// triggered reports whether nobody has asked for a run of this cause: a trigger has.
func triggered(cause schemas.Cause) bool { return cause != schemas.CauseRefresh && refreshes(cause) }

// next returns the expansion whose first waiting request has its turn now, or nil. waits reports whether the run of an
// expansion that was not committed cannot learn yet.
func (s *state) next(waits func(expansionID string) bool) *schemas.Expansion {
	toLearn, byTrigger, toLeave := s.turns(waits)
	var first *schemas.Expansion
	for _, e := range s.expansions {
		if e.Run != nil || len(e.Pending) == 0 {
			continue
		}
		mayBegin := toLearn
		switch {
		case isDelete(e.Pending[0]):
			mayBegin = toLeave
		case triggered(e.Pending[0].Cause):
			mayBegin = byTrigger
		}
		if mayBegin && (first == nil || earlier(&e.Pending[0], &first.Pending[0])) && s.goesBefore(e, e.Pending[0]) == "" {
			first = e
		}
	}
	return first
}

// earlier reports whether a waiting request has its turn before another one.
func earlier(p, other *schemas.Pending) bool {
	if triggered(p.Cause) != triggered(other.Cause) {
		return triggered(other.Cause)
	}
	return p.Offset < other.Offset
}

// queued reports whether a run waits that will learn when others have ended.
func (s *state) queued() bool {
	for _, e := range s.expansions {
		if e.Run == nil && len(e.Pending) > 0 && !isDelete(e.Pending[0]) {
			return true
		}
	}
	return false
}

// room reports whether a run may learn beside so many others, of which so many were asked for.
func (s *state) room(byTrigger bool, others, asked int) bool {
	if byTrigger {
		return asked == 0 && others < s.learners
	}
	return asked == 0 || others < s.learners
}

// turns reports whether a run that learns may begin, also if it is a trigger's, and whether a deletion may.
func (s *state) turns(waits func(expansionID string) bool) (toLearn, byTrigger, toLeave bool) {
	underWay, byTriggers, learning, asked, leaving := 0, 0, 0, 0, 0
	for id, e := range s.expansions {
		switch {
		case e.Run == nil:
		case e.Run.Request.Action == schemas.Delete:
			leaving++
		default:
			underWay++
			learns := !e.Run.Committed && !waits(id)
			if learns {
				learning++
			}
			if triggered(e.Run.Cause) {
				byTriggers++
			} else if learns {
				asked++
			}
		}
	}
	toLearn = underWay < mostUnderWay && s.room(false, learning, asked)
	byTrigger = underWay < mostUnderWay && byTriggers < mostTriggered && s.room(true, learning, asked)
	return toLearn, byTrigger, leaving < mostLeaving
}

// underWay lists the expansions whose runs are under way, the run that began first before the others.
func (s *state) underWay() []*schemas.Expansion {
	all := slices.DeleteFunc(s.inOrder(), func(e *schemas.Expansion) bool { return e.Run == nil })
	slices.SortStableFunc(all, func(a, b *schemas.Expansion) int { return a.Run.StartedAt.Compare(b.Run.StartedAt) })
	return all
}
