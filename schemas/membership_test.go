package schemas_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kindred/schemas"
)

func TestAppendMembershipWritesTheContract(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).UnixMilli()
	got := string(schemas.AppendMembership(nil, "vip-expansion", []byte("c-17"), 8731, 3, 4, "r-1", at))
	want := `{"expansionId":"vip-expansion","customerId":"c-17","score":0.8731,"band":"very similar","epoch":4,"runId":"r-1","changedAt":"2026-11-23T10:00:00Z"}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestMembershipsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		customer := rapid.String().Draw(t, "customer")
		want := schemas.Membership{ExpansionID: "e", CustomerID: customer,
			Epoch: rapid.Int64Range(1, 1<<53-1).Draw(t, "epoch"), RunID: rapid.String().Draw(t, "run")}
		score, band := rapid.IntRange(0, 10000).Draw(t, "score"), rapid.IntRange(0, 3).Draw(t, "band")
		at := rapid.Int64Range(0, 1<<42).Draw(t, "at")
		want.Score, want.Band, want.ChangedAt = float64(score)/10000, schemas.BandNames[band], time.UnixMilli(at).UTC()

		value := schemas.AppendMembership(nil, "e", []byte(customer), score, band, want.Epoch, want.RunID, at)
		var got schemas.Membership
		if err := got.Decode([]byte("e/"+customer), value); err != nil || got != want {
			t.Fatalf("%s: %v, %+v", value, err, got)
		}
		theirs, _ := json.Marshal(want)
		for _, value := range [][]byte{value, theirs} {
			s, b, epoch, run, err := schemas.ReadMembership(value)
			if err != nil || s != score || b != band || epoch != want.Epoch || string(run) != want.RunID {
				t.Fatalf("%s: %d %d %d %q %v", value, s, b, epoch, run, err)
			}
		}
	})
}

func TestReadMembershipRefuses(t *testing.T) {
	for _, value := range []string{`null`, `{}`, `{"score":0.5,"band":"similar","epoch":1}`,
		`{"score":1.5,"band":"similar","epoch":1,"runId":"r"}`, `{"score":-0.1,"band":"similar","epoch":1,"runId":"r"}`,
		`{"score":0.5,"band":"Similar","epoch":1,"runId":"r"}`, `{"score":0.5,"band":"similar","epoch":1.5,"runId":"r"}`,
		`{"score":0.5,"band":"similar","epoch":"1","runId":"r"}`, `{"score":0.5,"band":"similar","epoch":1,"runId":null}`,
		`{"score":0.5,"score":0.5,"band":"similar","epoch":1,"runId":"r"}`,
		`{"customerId":"a","customerId":"a","score":0.5,"band":"similar","epoch":1,"runId":"r"}`,
	} {
		if _, _, _, _, err := schemas.ReadMembership([]byte(value)); code(t, err) != "schema" {
			t.Errorf("%s: %v", value, err)
		}
	}
	if _, _, _, _, err := schemas.ReadMembership(nil); code(t, err) != "not_json" {
		t.Error("an empty value is read")
	}
}

func TestMembershipsCostNoAllocation(t *testing.T) {
	customer := []byte("c-12345678")
	var value []byte
	if n := testing.AllocsPerRun(100, func() {
		value = schemas.AppendMembership(value[:0], "vip-expansion", customer, 8731, 3, 4, "r-1", 1763892000123)
		if _, _, _, _, err := schemas.ReadMembership(value); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendMembership(b *testing.B) {
	customer := []byte("c-12345678")
	var value []byte
	for b.Loop() {
		value = schemas.AppendMembership(value[:0], "vip-expansion", customer, 8731, 3, 4, "r-1", 1763892000123)
	}
}

func BenchmarkReadMembership(b *testing.B) {
	value := schemas.AppendMembership(nil, "vip-expansion", []byte("c-12345678"), 8731, 3, 4, "r-1", 1763892000123)
	for b.Loop() {
		if _, _, _, _, err := schemas.ReadMembership(value); err != nil {
			b.Fatal(err)
		}
	}
}
