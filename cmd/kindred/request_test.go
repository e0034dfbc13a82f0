package main

import (
	"errors"
	"strings"
	"testing"

	"kindred/schemas"
)

// TestOnlyWhatCanBeReadIsAskedFor: from whatever form or flags a request comes, one that would be a dead letter is not published.
func TestOnlyWhatCanBeReadIsAskedFor(t *testing.T) {
	source, noID := "vip", "a/b"
	good := schemas.ExpandRequest{RequestID: "r-1", Action: schemas.Expand, ExpansionID: "x", SourceSegmentID: &source}
	if _, _, err := requestEvent(&good); err != nil {
		t.Errorf("a good request: %v", err)
	}
	refused := func(what string, change func(*schemas.ExpandRequest)) {
		t.Helper()
		bad, malformed := good, (*schemas.Malformed)(nil)
		change(&bad)
		if _, _, err := requestEvent(&bad); !errors.As(err, &malformed) {
			t.Errorf("%s: %v, want a malformed event", what, err)
		}
	}
	refused("an action that there is none of", func(r *schemas.ExpandRequest) { r.Action = "explode" })
	refused("an id of a request that is too long", func(r *schemas.ExpandRequest) { r.RequestID = strings.Repeat("r", 100_000) })
	refused("a segment that can have no such id", func(r *schemas.ExpandRequest) { r.SourceSegmentID = &noID })
}
