package route

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kindred/schemas"
)

// used adds a snapshot of so many parts, which all name who.
func used(before []byte, id string, parts int, who string) []byte {
	contents := map[int]content{}
	for part := range parts {
		contents[part+1] = contentOf([]string{who})
	}
	return appendUsed(before, &schemas.OpenSnapshot{Snapshot: id, Parts: parts}, contents)
}

func TestHowManySnapshotIDsAreRemembered(t *testing.T) {
	if testing.Short() {
		t.Skip("much computing, which race detection would take long for")
	}
	for _, c := range []struct{ parts, remembered int }{{1, 11_900}, {1000, 65}, {100_000, 65}} {
		var all []byte
		for i := range c.remembered + 100 {
			all = used(all, fmt.Sprint("s-", i), c.parts, "ann")
			if len(all) > mostUsed {
				t.Fatalf("it takes %d bytes", len(all))
			}
		}
		part := func(id int, who string) (same, known bool) {
			return repeats(all, &schemas.SegmentChange{Snapshot: fmt.Sprint("s-", id), Part: min(c.parts, 900), Parts: c.parts, Members: []string{who}})
		}
		if _, known := part(0, "ann"); known {
			t.Errorf("of %d parts, the first is known after %d others", c.parts, c.remembered+100)
		}
		for id := 100; id < c.remembered+100; id += c.remembered / 13 {
			if same, known := part(id, "ann"); !same || !known {
				t.Fatalf("of %d parts, one of the last %d is known: %v, the same: %v", c.parts, c.remembered, known, same)
			}
			if same, _ := part(id, "bob"); same {
				t.Error("with other members it is the same")
			}
		}
	}
}

func TestTheLargestRecordOfASegmentFitsItsTopic(t *testing.T) {
	wide := strings.Repeat("\x01", 200)
	s := schemas.Segment{SegmentID: strings.Repeat("s", 200), Name: strings.Repeat("\x01", 1000), LastSnapshot: wide, TopicID: wide}
	for range recentSnapshots {
		s.Recent, s.Dropped = append(s.Recent, wide), append(s.Dropped, wide)
	}
	for i := range 100 {
		s.Used = used(s.Used, fmt.Sprint(i), 1000, "ann")
	}
	s.Open = &schemas.OpenSnapshot{Snapshot: wide, First: 1 << 62, Parts: 100_000, At: time.Now()}
	for part := range 99_999 {
		s.Open.Have = append(s.Open.Have, part+1)
	}
	raw, err := json.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 1_045_000 {
		t.Errorf("it has %d bytes", len(raw))
	}
}
