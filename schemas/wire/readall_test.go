package wire_test

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"kindred/schemas/wire"
)

// batchAt is a batch as a broker keeps it.
func batchAt(base int64, values ...string) []byte {
	var b wire.Builder
	for _, v := range values {
		b.Add(1000, nil, []byte(v), nil)
	}
	batch := b.Finish(-1, -1, -1, false)
	binary.BigEndian.PutUint64(batch, uint64(base)) // no checksum covers it
	return batch
}

// partition is a partition 0 in memory, in batches of two records. A fetch returns one batch.
type partition struct {
	start   int64    // what lies below is deleted
	values  []string // by offset
	fetches int
	before  func(fetch int) // called before each; may be nil
}

func (p *partition) Fetch(ctx context.Context, from []wire.Position, _ time.Duration) ([]wire.Fetched, error) {
	p.fetches++
	if p.before != nil {
		p.before(p.fetches)
	}
	end := int64(len(p.values))
	f := wire.Fetched{Position: from[0], Start: p.start, HighWatermark: end, Stable: end}
	f.Set.From = f.Offset
	switch base := f.Offset - f.Offset%2; {
	case f.Offset < p.start || f.Offset > end:
		f.OutOfRange = true
	case f.Offset < end:
		f.Data = batchAt(base, p.values[base:min(base+2, end)]...)
	}
	return []wire.Fetched{f}, ctx.Err()
}

func (p *partition) Starts(context.Context, []wire.Position) ([]int64, error) {
	return []int64{p.start}, nil
}

func (p *partition) Ends(context.Context, []wire.Position) ([]int64, error) {
	return []int64{int64(len(p.values))}, nil
}

func letters(n int) []string { return []string{"a", "b", "c", "d", "e", "f", "g", "h"}[:n] }

// readTo returns what ReadTo visits.
func (p *partition) readTo(from, to int64) (values []string, err error) {
	err = wire.ReadTo(context.Background(), p, wire.Position{Topic: "t", Offset: from}, to, func(r *wire.Record) error {
		values = append(values, string(r.Value))
		return nil
	})
	return values, err
}

func TestReadTo(t *testing.T) {
	check := func(what string, p *partition, from, to int64, want ...string) {
		t.Helper()
		got, err := p.readTo(from, to)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q (%v)", what, got, want, err)
		}
	}
	check("all", &partition{values: letters(8)}, 0, 8, letters(8)...)
	check("from inside a batch to inside a batch", &partition{values: letters(8)}, 1, 5, "b", "c", "d", "e")
	check("from below the start", &partition{values: letters(8), start: 5}, 1, 7, "f", "g")
	check("up to below the start", &partition{values: letters(8), start: 5}, 1, 4)
	check("all deleted", &partition{values: letters(8), start: 8}, 0, 8)

	nothing := &partition{values: letters(8)}
	check("nothing", nothing, 3, 3)
	same(t, "fetches for nothing", nothing.fetches, 0)
}

func TestReadToOfARecreatedPartition(t *testing.T) {
	check := func(what string, p *partition, from, to int64) {
		t.Helper()
		if got, err := p.readTo(from, to); !errors.Is(err, wire.ErrRecreated) {
			t.Errorf("%s: got %q, %v", what, got, err)
		}
	}
	check("it ends before it is to be read", &partition{values: letters(3)}, 5, 7)
	check("it ends before the offset to reach", &partition{values: letters(3)}, 0, 7)
	for _, left := range []int{0, 1, 3} { // below, and above, what has been read
		p := &partition{values: letters(8)}
		p.before = func(fetch int) {
			if fetch == 2 {
				p.values = letters(left)
			}
		}
		check("while it is read", p, 0, 8)
	}
}

func TestReadToEndsEarly(t *testing.T) {
	enough := errors.New("enough")
	p, count := &partition{values: letters(8)}, 0
	err := wire.ReadTo(t.Context(), p, wire.Position{Topic: "t"}, 8, func(*wire.Record) error {
		if count++; count == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || count != 3 {
		t.Errorf("visited %d: %v", count, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = wire.ReadTo(ctx, p, wire.Position{Topic: "t"}, 8, func(*wire.Record) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after its context has ended: %v", err)
	}
}

func TestReadAll(t *testing.T) {
	check := func(p *partition, want ...string) {
		t.Helper()
		var got []string
		end, err := wire.ReadAll(t.Context(), p, "t", func(r *wire.Record) error {
			got = append(got, string(r.Value))
			return nil
		})
		if err != nil || end != int64(len(p.values)) || !slices.Equal(got, want) {
			t.Errorf("got %q up to %d, want %q (%v)", got, end, want, err)
		}
	}
	check(&partition{})
	check(&partition{values: letters(5)}, letters(5)...)
	check(&partition{values: letters(5), start: 2}, "c", "d", "e")

	growing := &partition{values: letters(3)}
	growing.before = func(int) { growing.values = letters(8) }
	var got []string
	end, err := wire.ReadAll(t.Context(), growing, "t", func(r *wire.Record) error {
		got = append(got, string(r.Value))
		return nil
	})
	if err != nil || end != 3 || !slices.Equal(got, letters(3)) {
		t.Errorf("what came later was read: %q up to %d (%v)", got, end, err)
	}
}
