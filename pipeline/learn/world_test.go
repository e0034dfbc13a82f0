package learn_test

import (
	"slices"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// cached fills the caches of some shards with customers, in their order. Those of their segments that are derived are expansions.
func cached(t *testing.T, customers []testkit.Customer, shards int, derived ...string) *cache.Store {
	t.Helper()
	return published(t, customers, shards, nil, derived...)
}

// published is cached with what is published of vip-expansion, by customer.
func published(t *testing.T, customers []testkit.Customer, shards int, states map[string]cache.State, derived ...string) *cache.Store {
	t.Helper()
	return storedWith(t, states, len(customers), shards, func(i int) (id, profile string, segments []string) {
		c := &customers[i]
		if c.Unknown {
			return c.ID, "", c.Segments
		}
		return c.ID, c.JSON(), c.Segments
	}, derived...)
}

// stored fills the caches of some shards with n customers.
func stored(
	t *testing.T, n, shards int, customer func(i int) (id, profile string, segments []string), derived ...string,
) *cache.Store {
	t.Helper()
	return storedWith(t, nil, n, shards, customer, derived...)
}

// storedWith is stored with what is published of vip-expansion, by customer.
func storedWith(
	t *testing.T, states map[string]cache.State, n, shards int,
	customer func(i int) (id, profile string, segments []string), derived ...string,
) *cache.Store {
	t.Helper()
	redis := miniredis.RunT(t)
	store := cache.Open(cache.Options{Addresses: []string{redis.Addr()}, Prefix: "t.", Whole: true})
	t.Cleanup(func() { store.Close() })
	mirrors := make([]*cache.Mirror, shards)
	for i := range mirrors {
		mirrors[i] = cache.New(i)
	}
	var decoded schemas.Profile
	for i := range n {
		id, profile, segments := customer(i)
		m := mirrors[schemas.Murmur2.Partition([]byte(id), shards)]
		if profile != "" {
			if err := decoded.Decode([]byte(profile)); err != nil {
				t.Fatal(err)
			}
		}
		row := m.Take([]byte(id))
		if profile != "" {
			m.SetProfile(row, &decoded)
		}
		for _, s := range segments {
			if slices.Contains(derived, s) {
				m.Published(s, true).Set(row, cache.PackState(row%cache.Bands, 7000))
			} else {
				m.SetMember(s, row, true, 0)
			}
		}
		if state, is := states[id]; is {
			m.Published("vip-expansion", true).Set(row, state)
		}
	}
	for i, m := range mirrors {
		writer, err := store.Claim(t.Context(), i, true)
		if err != nil {
			t.Fatal(err)
		}
		meta := cache.Meta{Ready: true, Through: 10, Offsets: cache.Offsets{Profiles: 7}}
		if err := writer.Exec(t.Context(), m.Snapshot(meta)); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// lesson asks for an expansion of vip.
func lesson(change func(*schemas.Definition)) learn.Lesson {
	d := schemas.Definition{
		SourceSegmentID: "vip", Name: "VIP", Fields: []string{"City", "Age"}, Suppress: []string{}, ExcludeSource: true,
		Share: 0.2, Floor: 0.55, Preset: "seed", Tags: []string{},
	}
	if change != nil {
		change(&d)
	}
	return learn.Lesson{ExpansionID: "vip-expansion", Definition: d}
}

func silent(schemas.Stage, float64) {}

func learned(t *testing.T, store *cache.Store, shards int, l learn.Lesson) (*learn.Result, error) {
	t.Helper()
	return (&learn.Trainer{Cache: store, Number: shards}).Learn(t.Context(), l, silent)
}
