package control

import (
	"fmt"
	"testing"
	"time"

	"kindred/pipeline/learn"
	"kindred/schemas"
)

// What runs share stays for those who wait until others have published, though none is about to learn, but not for long.
func TestWhatIsSharedStaysForThoseWhoWaitForRoom(t *testing.T) {
	d := newDesk(t)
	term := &term{state: d.state, attempts: map[string]*attempt{}, shared: new(learn.Shared)}
	for i := range mostUnderWay {
		id := fmt.Sprint("x", i)
		d.begin(schemas.Expand, id)
		term.attempts[id] = &attempt{expansionID: id}
		term.rest()
		d.commit()
		term.attempts[id].committed = true
	}
	d.begin(schemas.Expand, "another")
	if term.rest(); term.shared == nil {
		t.Error("it is dropped while another waits for room")
	}
	kept := time.Until(term.rests)
	if kept <= 0 || kept > keptFor {
		t.Errorf("it is kept for %v", kept)
	}
	term.rests = time.Now().Add(-1)
	if term.rest(); term.shared != nil {
		t.Error("it is kept for as long as the others need")
	}

	term.shared, term.rests = new(learn.Shared), time.Now().Add(keptFor)
	d.begin(schemas.Cancel, "another")
	if term.rest(); term.shared != nil {
		t.Error("it is kept though nobody waits")
	}
}
