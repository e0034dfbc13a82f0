package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

func TestPartsHoldEveryIDOnceAndFitIntoARecord(t *testing.T) {
	ids := make([]string, 50_001)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	check := func(what string, ids []string, want int) {
		t.Helper()
		all := inParts(ids)
		if len(all) != want || !slices.Equal(slices.Concat(all...), ids) {
			t.Errorf("%s: %d parts, want %d with all ids in order", what, len(all), want)
		}
		for _, members := range all {
			value, err := json.Marshal(members)
			if members == nil {
				t.Errorf("%s: a part without a list", what)
			}
			if err != nil || len(members) > 20_000 || len(value) > 900_000 {
				t.Errorf("%s: a part of %d ids and %d bytes (%v)", what, len(members), len(value), err)
			}
		}
	}
	check("nobody", nil, 1)
	check("short ids", ids, 3)
	check("exactly one part", ids[:20_000], 1)
	long := make([]string, 10_000)
	for i := range long {
		long[i] = strings.Repeat("ø<\"", 60) + strconv.Itoa(i)
	}
	check("long ids that have to be escaped", long, 8)
}

func TestWhoHasAProfileIsCounted(t *testing.T) {
	everywhere(t, func(w *world) {
		w.bring(0, 100)
		w.erase(schemas.Profiles, customer(1))
		w.segment("vip", `"added":%s`, []string{"nobody"}) // the caches know the id, and no profile of it
		stop := w.serve()
		w.wait("the segment", func() string {
			view, err := w.cache.Scan(w.Ctx, schemas.Murmur2.Partition([]byte("nobody"), shardsOfAWorld), cache.Want{})
			if err == nil {
				if _, known := view.Find([]byte("nobody")); known {
					return ""
				}
			}
			return fmt.Sprint("nobody is not there: ", err)
		})
		check := func(what string, want int, numbers ...int) {
			t.Helper()
			ids := []string{"nobody"}
			for _, n := range numbers {
				ids = append(ids, customer(n))
			}
			if with, err := w.withProfile(w.Ctx, w.kafka, ids, time.Minute); err != nil || with != want {
				t.Errorf("%s: %d of %d, %v", what, with, want, err)
			}
		}
		check("some have none", 2, 1, 2, 99, 100)
		w.bring(100, 2000)
		check("a load that has just ended", 3, 100, 1000, 1999)

		stop()
		w.bring(2000, 2100)
		if with, err := w.withProfile(w.Ctx, w.kafka, []string{customer(2000)}, 0); err == nil {
			t.Errorf("caches that are behind say that %d have a profile", with)
		}
	})
}
