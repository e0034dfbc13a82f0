package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kindred/schemas"
)

// TestVerifyFindsWhatDiffers: nothing while kindred has it its way, in chains and with rules of every kind too; then each record that
// somebody else has put on memberships while no owner was there to answer.
func TestVerifyFindsWhatDiffers(t *testing.T) {
	everywhere(t, func(w *world) {
		stop := w.serve()
		w.declare()
		w.bring(0, crowd)
		source := vips(0, crowd)
		w.segment("vip", `"snapshot":"s-1","part":1,"parts":1,"members":%s`, source)
		w.segment("staff", `"added":%s`, []string{customer(2), customer(3), customer(7)})
		w.successful("more", `"action":"expand","sourceSegmentId":"vip","suppress":["staff"],"share":0.5`)
		w.successful("most", `"action":"expand","sourceSegmentId":"vip","candidates":{"segmentId":"more"},"share":0.5,"holdout":0.2`)
		w.say(schemas.Profiles, customer(11), `{"profiling":false}`)
		w.segment("vip", `"removed":%s`, source[:2])
		w.agree()

		all := len(w.market.places())
		if text := w.kindred(done, "verify"); text != fmt.Sprintf("0 of %d differ\n", all) {
			t.Errorf("of %d memberships it says %s", all, text)
		}
		if got := printed[verification](w, "verify", "most"); got.Differ != 0 || got.Memberships != int64(len(w.market.of("most"))) {
			t.Errorf("of one it says %+v", got)
		}

		stop()
		best := first(w.market.of("more"), 2)
		tell := func(id string, value []byte) {
			w.Publish(schemas.Memberships, schemas.Murmur2.Partition([]byte(id), shardsOfAWorld), time.Now(), "more/"+id, value, nil)
		}
		member := func(id string, score int) []byte {
			return schemas.AppendMembership(nil, "more", []byte(id), score, 0, 1, "r", 0)
		}
		tell(best[0], nil)
		tell(best[1], member(best[1], 1234))
		tell(source[5], member(source[5], 5678))
		tell("nobody", []byte("no json"))
		text := w.kindred(failed, "verify", "more", "--json")
		for _, want := range []string{`"differ": 4,`, `"missing": 1,`, `"surplus": 2,`, `"is": "0.1234, not similar"`, `"is": "a record that cannot be read"`} {
			if !strings.Contains(text, want) {
				t.Errorf("it does not say %s:\n%s", want, text)
			}
		}
		for _, id := range slices.Concat(best, []string{source[5], "nobody"}) {
			if !strings.Contains(text, `"`+id+`"`) {
				t.Errorf("%s is no example:\n%s", id, text)
			}
		}
		if text := w.kindred(failed, "verify"); !strings.HasPrefix(text, fmt.Sprintf("4 of %d differ\n", all+2)) {
			t.Errorf("it says %s", text)
		}
	})
}

// TestVerifyFindsWhatIsToldOtherwise: in membership-changes, when they are written.
func TestVerifyFindsWhatIsToldOtherwise(t *testing.T) {
	everywhere(t, func(w *world) {
		w.told = true
		stop := w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.5`)
		w.agree()
		all := len(w.market.places())
		if text, want := w.kindred(done, "verify"), fmt.Sprintf("0 of %d differ\n0 of %d differ in membership-changes\n", all, all); text != want {
			t.Errorf("it says %q, want %q", text, want)
		}
		stop()
		best := first(w.market.of("more"), 1)[0]
		for _, id := range []string{best, "nobody"} {
			value := schemas.AppendMembershipChange(nil, "more", []byte(id), schemas.Changed, schemas.Rank{Member: true, Score: 1234}, schemas.Rank{},
				schemas.ByRun, 1, "r", 0)
			w.Publish(schemas.MembershipChanges, schemas.Murmur2.Partition([]byte(id), shardsOfAWorld), time.Now(), "more/"+id, value, nil)
		}
		text := w.kindred(failed, "verify")
		for _, want := range []string{fmt.Sprintf("2 of %d differ in membership-changes", all+1), best, "nobody", "0.1234, not similar"} {
			if !strings.Contains(text, want) {
				t.Errorf("it does not say %s:\n%s", want, text)
			}
		}
		w.serve()
		w.agree()
		w.kindred(done, "verify")
	})
}
