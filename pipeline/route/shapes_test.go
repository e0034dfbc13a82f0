package route_test

import (
	"fmt"
	"slices"
	"testing"
)

// Taken for an empty part, the first of these let everybody out of a segment whose members others must not have.
func TestAChangeOfAnUnknownShapeChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.say("optout", `{"added":["a","b"]}`)
	var want []string
	for _, value := range []string{
		`{"segmentId":"optout","snapshot":"n-1","part":1,"parts":1,"customers":["a"]}`,
		`{"snapshot":"n-2","part":1,"parts":1}`, `{"snapshot":"n-3","part":1,"parts":1,"members":null}`,
		`{"segmentId":"optout"}`, `{}`, `{"remove":["a"]}`, `{"added":["c"],"remove":["a"]}`, `{"schema":null,"payload":{"customers":["a"]}}`,
	} {
		want = append(want, fmt.Sprintf("schema@%d", w.say("optout", value)))
	}
	w.routed(never)
	w.expect("it is as it was", map[string]string{"optout": "a b"})
	if !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	w.say("optout", `{"snapshot":"n-4","part":1,"parts":1,"members":[],"added":null,"name":null}`)
	w.say("optout", `{"schema":{"type":"struct"},"payload":{"added":["d"],"removed":null}}`)
	w.routed(never)
	w.expect("empty is what says so", map[string]string{"optout": "d"})
	w.say("optout", `null`)
	w.routed(never)
	w.expect("the word null is a null value", map[string]string{"optout": "(gone) d"})
}
