package cache_test

import (
	"bytes"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"

	"kindred/pipeline/cache"
)

func TestASampleHasEverySoManyThRow(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	for i := range 2*cache.BlockRows + 100 {
		o.set("c-"+strconv.Itoa(i), `{"A":"`+strconv.Itoa(i%50)+`","B":`+strconv.Itoa(i%7)+`}`)
	}
	o.save()
	all := scan(t, s, cache.Want{})
	for _, every := range []int{1, 2, 3, 7, 5000, 100_000} {
		some, err := s.Sample(t.Context(), 3, every)
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for row := every / 2; row < all.NumRows; row += every {
			want = append(want, all.Row(row)...)
		}
		if !bytes.Equal(some.Bytes, want) || some.Width != all.Width || len(some.Fields) != len(all.Fields) {
			t.Errorf("every %dth: %d bytes, want %d", every, len(some.Bytes), len(want))
		}
	}
}

// Where the rows are laid out anew in the middle of a sample, it reads again.
func TestATornSampleIsRepeated(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	for i := range 50 {
		o.set("c-"+strconv.Itoa(i), `{"A":"`+strconv.Itoa(i)+`"}`)
	}
	o.save()
	var reads atomic.Int32
	intercept(t, s, &hook{blocks: func(next func() error) error {
		if reads.Add(1) == 1 {
			o.set("c-1", `{"A":"1","B":2,"C":3,"D":4,"E":5}`)
			o.save()
		}
		return next()
	}})
	some, err := s.Sample(t.Context(), 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := has(some.Fields, some.Bytes[3*some.Width:], "A"); got != `"3"` || reads.Load() < 2 {
		t.Errorf("row 3 has %s after %d readings", got, reads.Load())
	}
	flush(t, s)
	if _, err := s.Sample(t.Context(), 3, 1); !errors.Is(err, cache.ErrNotReady) {
		t.Errorf("of an empty Redis it says %v", err)
	}
}
