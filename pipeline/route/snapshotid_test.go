package route_test

import (
	"fmt"
	"slices"
	"testing"
)

// An id that is done and comes again with other members, or in other parts, is a dead letter; with the same ones it is nothing.
// That holds after many other snapshots, and for the next router.
func TestASnapshotIDThatComesAgainWithOtherMembersIsADeadLetter(t *testing.T) {
	w := newWorld(t)
	w.say("daily", `{"snapshot":"full","part":2,"parts":2,"members":["c"]}`)
	w.say("daily", `{"snapshot":"full","part":1,"parts":2,"members":["a","b"]}`)
	for i := range 150 {
		w.say("daily", fmt.Sprintf(`{"snapshot":"s-%d","part":1,"parts":1,"members":["x"]}`, i))
	}
	w.routed(never)
	var want []string
	for _, reused := range []string{
		`{"snapshot":"full","part":1,"parts":2,"members":["a","d"]}`,
		`{"snapshot":"full","part":2,"parts":2,"members":[]}`,
		`{"snapshot":"full","part":1,"parts":1,"members":["a","b","c"]}`,
	} {
		want = append(want, fmt.Sprintf("snapshot_reused@%d", w.say("daily", reused)))
		w.say("daily", `{"snapshot":"full","part":1,"parts":2,"members":["b","a","b"]}`)
		w.say("daily", `{"snapshot":"full","part":2,"parts":2,"members":["c"]}`)
		w.routed(never)
	}
	w.expect("the last snapshot", map[string]string{"daily": "x"})
	if !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	w.judge()
}

func TestAPartThatComesTwiceIsComparedByTheNextRouterToo(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":3,"members":["a","b"]}`)
	w.routed(never)
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":3,"members":["b","a"]}`)
	other := w.say("vip", `{"snapshot":"s-1","part":1,"parts":3,"members":["c"]}`)
	w.say("vip", `{"snapshot":"s-1","part":2,"parts":3,"members":["d"]}`)
	another := w.say("vip", `{"snapshot":"s-1","part":2,"parts":3,"members":["e"]}`)
	w.say("vip", `{"snapshot":"s-1","part":3,"parts":3,"members":[]}`)
	w.routed(never)
	w.expect("the first of each", map[string]string{"vip": "a b d"})
	if want := []string{fmt.Sprintf("snapshot_reused@%d", other), fmt.Sprintf("snapshot_reused@%d", another)}; !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	w.judge()
}
