package control

import (
	"slices"
	"strings"
	"testing"

	"kindred/schemas"
)

func TestADataEventAsksForARefreshOfWhatWantsOne(t *testing.T) {
	d := newDesk(t)
	d.live()
	unwilling := expand("unwilling")
	unwilling.ExpansionID, unwilling.Refresh = "a", &schemas.RefreshChange{OnDataEvent: new(false)}
	d.ask(unwilling)
	first := expand("first run of b")
	first.ExpansionID = "b"
	d.ask(first)
	gone := expand("leaving")
	gone.ExpansionID = "c"
	d.ask(gone)
	gone = on("deletes", schemas.Delete)
	gone.ExpansionID = "c"
	d.ask(gone)

	event := schemas.DataEvent{Source: "warehouse", BatchID: "2026-11-23"}
	asked := d.state.onDataEvent(event).requests
	var ids []string
	for _, r := range asked {
		ids = append(ids, r.RequestID)
	}
	if want := []string{"b/warehouse/2026-11-23", "x/warehouse/2026-11-23"}; !slices.Equal(ids, want) {
		t.Fatalf("it asks for %v, want %v", ids, want)
	}
	for _, r := range asked {
		d.ask(r)
		d.ask(r) // the event came twice
	}
	if r := d.last["x/warehouse/2026-11-23"]; r.Status != schemas.Queued || r.Cause != schemas.CauseDataEvent {
		t.Errorf("its run is %+v", r)
	}
	long := triggerID("x", strings.Repeat("s", 300), "b\n1")
	if schemas.ValidCustomerID([]byte(long)) != nil || long == triggerID("x", strings.Repeat("s", 300), "b\n2") {
		t.Errorf("what cannot be an id is named %q", long)
	}
}
