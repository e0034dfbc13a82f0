package wire_test

import (
	"errors"
	"testing"

	"kindred/schemas/wire"
)

// visited returns the offsets that Each visits.
func visited(f *wire.Fetched) (offsets []int64, next int64, err error) {
	next, err = f.Each(func(r *wire.Record) error {
		offsets = append(offsets, r.Offset)
		return nil
	})
	return offsets, next, err
}

func TestAnOffsetInRangeIsRead(t *testing.T) {
	f := &wire.Fetched{Position: wire.Position{Topic: "t", Offset: 6}, HighWatermark: 8}
	f.Set = wire.Set{From: 6, Data: batchAt(5, "five", "six", "seven")}
	offsets, next, err := visited(f)
	same(t, "offsets", offsets, []int64{6, 7})
	if err != nil || next != 8 || f.Next() != 8 || f.Skipped() != 0 {
		t.Errorf("goes on at %d, announced %d, skipped %d: %v", next, f.Next(), f.Skipped(), err)
	}
}

func TestWhatAnOffsetOutOfRangeMeans(t *testing.T) {
	check := func(offset, start, end, next, skipped int64, recreated bool) {
		t.Helper()
		f := &wire.Fetched{Position: wire.Position{Topic: "t", Offset: offset}, Start: start, HighWatermark: end, OutOfRange: true}
		offsets, got, err := visited(f)
		if len(offsets) > 0 || got != next || f.Next() != next || f.Skipped() != skipped || errors.Is(err, wire.ErrRecreated) != recreated {
			t.Errorf("offset %d in %d to %d: visited %v, goes on at %d, announced %d, skipped %d: %v",
				offset, start, end, offsets, got, f.Next(), f.Skipped(), err)
		}
		if !recreated && err != nil {
			t.Error(err)
		}
	}
	check(3, 7, 10, 7, 4, false)   // deleted before it was read
	check(3, 10, 10, 10, 7, false) // all of it
	check(11, 0, 10, 11, 0, true)
	check(11, 0, 0, 11, 0, true)
	check(11, 0, 12, 11, 0, false) // the partition has grown between the fetch and the question where it ends
}
