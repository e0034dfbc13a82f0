package schemas_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kindred/schemas"
)

func TestMembershipChangesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rank := func(label string) (r schemas.Rank) {
			if r.Member = rapid.Bool().Draw(t, label); r.Member {
				r.Score, r.Band = rapid.IntRange(0, 10000).Draw(t, "score"), rapid.IntRange(0, 3).Draw(t, "band")
			}
			return r
		}
		is, was := rank("is"), rank("was")
		customer := rapid.String().Draw(t, "customer")
		at := rapid.Int64Range(0, 1<<42).Draw(t, "at")
		want := schemas.MembershipChange{ExpansionID: "e", CustomerID: customer, Change: schemas.Changed, Cause: schemas.ByProfile,
			Epoch: rapid.Int64Range(1, 1<<53-1).Draw(t, "epoch"), RunID: rapid.String().Draw(t, "run"), ChangedAt: time.UnixMilli(at).UTC()}
		if is.Member {
			score, band := float64(is.Score)/10000, schemas.BandNames[is.Band]
			want.Score, want.Band = &score, &band
		} else {
			want.Change = schemas.Left
		}
		if was.Member {
			want.Was = &schemas.Place{Score: float64(was.Score) / 10000, Band: schemas.BandNames[was.Band]}
		}
		theirs, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		ours := schemas.AppendMembershipChange(nil, "e", []byte(customer), want.Change, is, was, want.Cause, want.Epoch, want.RunID, at)
		var read schemas.MembershipChange
		if err := read.Decode([]byte("e/"+customer), ours); err != nil {
			t.Fatalf("%s: %v", ours, err)
		}
		if again, err := json.Marshal(read); err != nil || string(again) != string(theirs) {
			t.Fatalf("written as %s, read as %s, %v; want %s", ours, again, err, theirs)
		}
		for _, value := range [][]byte{ours, theirs} {
			if got, err := schemas.ReadMembershipChange(value); err != nil || got != is {
				t.Fatalf("%s: %+v, %v, want %+v", value, got, err, is)
			}
		}
	})
}

func TestReadMembershipChangeRefuses(t *testing.T) {
	for _, value := range []string{`null`, `{}`, `{"change":"entered","score":0.5}`, `{"change":"left","score":0.5,"band":"similar"}`,
		`{"change":"entered","score":null,"band":null}`, `{"change":"gone","score":null,"band":null}`,
		`{"change":"entered","score":1.5,"band":"similar"}`, `{"change":"left","change":"left","score":null,"band":null}`,
		`{"score":0.5,"band":"similar"}`,
	} {
		if _, err := schemas.ReadMembershipChange([]byte(value)); code(t, err) != "schema" {
			t.Errorf("%s: %v", value, err)
		}
	}
}
