package learn_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/model"
)

// resident is a customer of whom three fields tell: a category, a number that is cut, and one that is not. Empty and 0 are absent.
type resident struct {
	city, refuses string
	age, rooms    int
}

func residents(n int) []resident {
	all := make([]resident, n)
	for i := range all {
		all[i] = resident{city: []string{"Oslo", "Oslo", "Bergen", "Bodø", ""}[i%5], age: 18 + i*7%60, rooms: i * 3 % 4}
		if i%1000 == 7 {
			all[i].city = "Rare" + strconv.Itoa(i) // no value that nine others have
		}
		if i%20 == 3 {
			all[i].refuses = "yes"
		}
	}
	return all
}

func (r *resident) JSON() string {
	fields := []string{}
	if r.city != "" {
		fields = append(fields, fmt.Sprintf(`"City":%q`, r.city))
	}
	if r.age > 0 {
		fields = append(fields, fmt.Sprintf(`"Age":%d`, r.age))
	}
	if r.rooms > 0 {
		fields = append(fields, fmt.Sprintf(`"Rooms":%d`, r.rooms))
	}
	return fmt.Sprintf(`{"fields":{%s},"profiling":%v}`, strings.Join(fields, ","), r.refuses == "")
}

// settled fills the caches of two shards with residents, of whom every ninth, and all of Oslo of some, are in vip.
func settled(t *testing.T, all []resident) *cache.Store {
	t.Helper()
	return stored(t, len(all), 2, func(i int) (id, profile string, segments []string) {
		if i%9 == 0 || i%3 == 0 && all[i].city == "Oslo" {
			segments = []string{"vip"}
		}
		return "c-" + strconv.Itoa(i), all[i].JSON(), segments
	})
}

// indexes works out the index of each field customer by customer, from what they have: independent of levels and codes.
func indexes(m *model.Model, then, now []resident) map[string]float64 {
	shares := func(all []resident, bin func(r *resident) string) map[string]float64 {
		counts, customers := map[string]float64{}, 0.0
		for i := range all {
			if all[i].refuses == "" {
				counts[bin(&all[i])]++
				customers++
			}
		}
		for b := range counts {
			counts[b] /= customers
		}
		return counts
	}
	var bounds []float64
	for _, f := range m.Fields {
		if f.Name == "Age" {
			bounds = f.Bounds
		}
	}
	all := map[string]float64{}
	for name, bin := range map[string]func(r *resident) string{
		"City": func(r *resident) string {
			if slices.Contains([]string{"Oslo", "Bergen", "Bodø", ""}, r.city) {
				return r.city
			}
			return "others"
		},
		"Age": func(r *resident) string {
			if r.age == 0 {
				return "none"
			}
			at := 0
			for _, b := range bounds {
				if float64(r.age) >= b {
					at++
				}
			}
			return strconv.Itoa(at)
		},
		"Rooms": func(r *resident) string {
			if r.rooms > 3 {
				return "others"
			}
			return strconv.Itoa(r.rooms)
		},
	} {
		was, is := shares(then, bin), shares(now, bin)
		for b := range is {
			was[b] += 0
		}
		for b := range was {
			a, e := math.Max(is[b], 0.0001), math.Max(was[b], 0.0001)
			all[name] += a*math.Log(a/e) - e*math.Log(a/e)
		}
	}
	return all
}

func TestDriftIsHowFarTheProfilesHaveMovedSinceLearning(t *testing.T) {
	then := residents(4000)
	l := lesson(nil)
	l.Definition.Fields = []string{"Age", "City", "Rooms"}
	result, err := learned(t, settled(t, then), 2, l)
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(bytesOf(t, result, 1))
	check := func(what string, now []resident, warning string) {
		t.Helper()
		store := settled(t, now)
		keep(t, store, 2, "vip-expansion", raw)
		found, err := learn.Drifts(t.Context(), store, 2, "vip-expansion")
		if err != nil {
			t.Fatal(err)
		}
		drift, want := found["vip-expansion"], indexes(result.Model, then, now)
		if drift == nil || len(drift.Fields) != len(want) {
			t.Fatalf("%s: %+v", what, drift)
		}
		for i, f := range drift.Fields {
			if math.Abs(f.Index-want[f.Name]) > 1e-9 || i > 0 && f.Index > drift.Fields[i-1].Index {
				t.Errorf("%s: the index of %s is %.6f, counted %.6f", what, f.Name, f.Index, want[f.Name])
			}
		}
		switch {
		case drift.Warning == nil && warning != "":
			t.Errorf("%s: no warning, but %+v", what, drift.Fields)
		case drift.Warning != nil && (warning == "" || !strings.HasSuffix(drift.Warning.Message, warning) ||
			!strings.HasPrefix(drift.Warning.Hint, "kindred refresh vip-expansion ")):
			t.Errorf("%s: it says %+v", what, drift.Warning)
		}
	}
	check("nothing has changed", then, "")
	changed := func(change func(i int, r *resident)) []resident {
		now := slices.Clone(then)
		for i := range now {
			change(i, &now[i])
		}
		return now
	}
	toBergen := func(every int) []resident {
		return changed(func(i int, r *resident) {
			if r.city == "Oslo" && i%every == 0 {
				r.city = "Bergen"
			}
		})
	}
	check("some have moved", toBergen(3), "")
	check("many have moved", toBergen(2), "since it learned: City (Bergen: 42 % of the customers, 21 % then)")
	check("a value is new", changed(func(i int, r *resident) {
		if i%3 == 0 {
			r.city = "Molde"
		}
	}), "City (other values: 33 % of the customers, 0.11 % then)")
	check("a field is gone", changed(func(_ int, r *resident) { r.rooms = 0 }), "Rooms (no value: 100 % of the customers, 26 % then)")
	check("they are older, and have more rooms", changed(func(i int, r *resident) {
		r.age += 20
		if i%2 == 0 {
			r.rooms = 4 + i%300 // too many numbers for a shard to keep them one by one
		}
	}), " then)")
	check("who refuses does not count", changed(func(i int, r *resident) {
		if r.refuses != "" {
			r.city, r.age = "Bergen", 99
		}
	}), "")
}

// Of many customers a sample is read, evenly spread.
func TestDriftOfManyIsToldByASample(t *testing.T) {
	now := residents(50_000)
	then := now[:4000]
	l := lesson(nil)
	l.Definition.Fields = []string{"Age", "City", "Rooms"}
	result, err := learned(t, settled(t, then), 2, l)
	if err != nil {
		t.Fatal(err)
	}
	for i := range now[25_000:] { // those who came later are others
		now[25_000+i].city = "Bergen"
	}
	store := settled(t, now)
	keep(t, store, 2, "vip-expansion", []byte(bytesOf(t, result, 1)))
	found, err := learn.Drifts(t.Context(), store, 2)
	if err != nil || len(found) != 0 {
		t.Fatalf("no shard publishes anything, yet it finds %+v (%v)", found, err)
	}
	if found, err = learn.Drifts(t.Context(), store, 2, "vip-expansion"); err != nil {
		t.Fatal(err)
	}
	drift, want := found["vip-expansion"], indexes(result.Model, then, now)
	if drift.Customers < 20_000 || drift.Customers > 30_000 {
		t.Errorf("it looks at %d customers", drift.Customers)
	}
	for _, f := range drift.Fields {
		if math.Abs(f.Index-want[f.Name]) > 0.02*max(want[f.Name], 1) {
			t.Errorf("the index of %s is %.4f, of all customers %.4f", f.Name, f.Index, want[f.Name])
		}
	}
}

// A model of an earlier build has not noted what customers were like: nobody knows what has changed.
func TestOfAModelThatHasNotCountedNoDriftIsKnown(t *testing.T) {
	then := residents(1000)
	store := settled(t, then)
	l := lesson(nil)
	l.Definition.Fields = []string{"Age", "City"}
	result, err := learned(t, store, 2, l)
	if err != nil {
		t.Fatal(err)
	}
	result.Model.Customers = 0
	for i := range result.Model.Fields {
		result.Model.Fields[i].Customers = nil
	}
	keep(t, store, 2, "vip-expansion", []byte(bytesOf(t, result, 1)))
	if found, err := learn.Drifts(t.Context(), store, 2, "vip-expansion", "none"); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
