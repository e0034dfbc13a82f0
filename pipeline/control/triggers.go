package control

import (
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"kindred/schemas"
)

// onDataEvent asks for a refresh of every expansion that wants one when upstream has completed a load, of each after those that
// it uses. An expansion
// whose first run is under way is among them: that run may have begun before the load was complete.
func (s *state) onDataEvent(event schemas.DataEvent) step {
	var asked step
	for _, e := range s.bottomUp() {
		if e.State == schemas.StateSegmentGone || leaving(e) || !policy(e).OnDataEvent {
			continue
		}
		asked.requests = append(asked.requests, refreshOf(e, schemas.CauseDataEvent, event.Source, event.BatchID))
	}
	return asked
}

// refreshOf returns the request of a trigger, named by what has set it off.
func refreshOf(e *schemas.Expansion, cause schemas.Cause, by ...string) schemas.ExpandRequest {
	return schemas.ExpandRequest{
		RequestID: triggerID(e.ExpansionID, by...), Action: schemas.Refresh, ExpansionID: e.ExpansionID, Cause: cause,
	}
}

// triggers returns what asks for refreshes of an expansion by itself besides data events; nothing while they would be refused.
func triggers(e *schemas.Expansion) (p schemas.RefreshPolicy) {
	if e.Definition == nil || e.State == schemas.StateSegmentGone || leaving(e) {
		return p
	}
	return e.Definition.Refresh
}

// triggerID returns the id of a trigger's request. The same cause gives the same id, and so one run. What cannot be part of
// an id is hashed.
func triggerID(expansionID string, by ...string) string {
	what := strings.Join(by, "/")
	if id := expansionID + "/" + what; schemas.ValidCustomerID([]byte(id)) == nil {
		return id // what may be the id of a customer may be that of a request
	}
	return expansionID + "/" + strconv.FormatUint(xxhash.Sum64String(what), 16)
}

// policy returns how an expansion is refreshed: as committed, else as its first run would have it.
func policy(e *schemas.Expansion) schemas.RefreshPolicy {
	first := e.Asked()
	switch {
	case e.Definition != nil:
		return e.Definition.Refresh
	case first == nil:
		return schemas.RefreshPolicy{} // deleted, or its first run has failed
	}
	return first.Refresh.Over(defaultRefresh)
}
