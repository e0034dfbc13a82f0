package control

import (
	"time"

	"kindred/schemas"
)

// The schedule of an expansion (refresh.every) begins when it is committed, and has a slot every so often from then on. A slot
// that has come asks for a refresh, in the transaction that notes it: a take-over neither loses nor doubles one. Slots that were
// missed ask for one refresh together.

// scheduled returns what is decided on the slots that have come.
func (s *state) scheduled(now time.Time) (steps []step) {
	for _, e := range s.inOrder() {
		every, last := schedule(e, now)
		noted := *e
		switch {
		case every == 0:
		case last.IsZero():
			noted.LastSlot = slotAt(now)
			steps = append(steps, step{expansion: &noted})
		case now.Sub(last) >= every:
			noted.LastSlot = slotAt(last.Add(now.Sub(last) / every * every))
			asked := refreshOf(e, schemas.CauseSchedule, "schedule", noted.LastSlot)
			steps = append(steps, step{expansion: &noted, requests: []schemas.ExpandRequest{asked}})
		}
	}
	return steps
}

// nextSlot returns when the next slot comes. It reports false when none will.
func (s *state) nextSlot(now time.Time) (at time.Time, due bool) {
	for _, e := range s.expansions {
		every, last := schedule(e, now)
		if every == 0 {
			continue
		}
		next := now
		if !last.IsZero() {
			next = last.Add(every)
		}
		if !due || next.Before(at) {
			at, due = next, true
		}
	}
	return at, due
}

// schedule returns how often an expansion is refreshed, 0: never, and its last slot. That is zero when the schedule has to begin
// anew: an earlier build has not noted its beginning, or a clock was far ahead when it did.
func schedule(e *schemas.Expansion, now time.Time) (every time.Duration, last time.Time) {
	every, err := time.ParseDuration(triggers(e).Every)
	if err != nil || every < leastEvery {
		return 0, time.Time{}
	}
	last, err = time.Parse(time.RFC3339Nano, e.LastSlot)
	if err != nil || last.Sub(now) > every {
		return every, time.Time{}
	}
	return every, last
}

// slotAt returns a slot as it stands in records and ids.
func slotAt(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }
