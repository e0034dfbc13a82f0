package learn_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// local makes customers of three cities, those of Oslo in the segment oslo. The segment vip is of so many of Oslo and of others,
// the first that come.
func local(n, fromOslo, fromElsewhere int) []testkit.Customer {
	rng := rand.New(rand.NewPCG(5, 5))
	all := make([]testkit.Customer, n)
	for i := range all {
		c := testkit.Customer{ID: fmt.Sprintf("c-%d", i), City: []string{"Oslo", "Bergen", "Bodø"}[rng.IntN(3)], Age: 18 + rng.IntN(60)}
		left := &fromElsewhere
		if c.City == "Oslo" {
			left = &fromOslo
			c.Segments = append(c.Segments, "oslo")
		}
		if *left > 0 {
			*left--
			c.Segments = append(c.Segments, "vip")
		}
		all[i] = c
	}
	return all
}

func within(segment string) learn.Lesson {
	return lesson(func(d *schemas.Definition) { d.Candidates.SegmentID = segment })
}

func warned(r *schemas.Report, code string) bool {
	return slices.ContainsFunc(r.Warnings, func(w schemas.Warning) bool { return w.Code == code && w.Message != "" && w.Hint != "" })
}

// What tells a source from everybody is worth nothing where all candidates have it.
func TestASourceOfOneCityIsNotGradedWithinIt(t *testing.T) {
	customers := local(3000, 300, 0)
	check := func(name string, l learn.Lesson, grade string, elsewhere bool) {
		t.Helper()
		result, err := learned(t, cached(t, customers, 2), 2, l)
		if err != nil {
			t.Fatal(err)
		}
		q := result.Report.Quality
		if q.Grade != grade || q.Chance() != warned(result.Report, "chance") || elsewhere != warned(result.Report, "source_elsewhere") {
			t.Errorf("%s: quality %+v, warnings %+v", name, q, result.Report.Warnings)
		}
	}
	check("among everybody", lesson(nil), "very good", false)
	check("among those of the city", within("oslo"), "cannot be told from chance", false)
	for i := range customers {
		if c := &customers[i]; c.In("oslo") && !c.In("vip") {
			c.Segments = append(c.Segments, "others")
		}
	}
	check("among the others of the city", within("others"), "cannot be told from chance", true)
	check("with the others of the city left", lesson(func(d *schemas.Definition) { d.Suppress = []string{"others"} }), "excellent", false)
}

// The background is what the source is from: the candidates when nearly all of it is among them, else everybody.
func TestTheBackgroundIsWhereTheSourceIsFrom(t *testing.T) {
	check := func(name string, fromOslo, fromElsewhere, customers int, everybody bool) {
		t.Helper()
		result, err := learned(t, cached(t, local(customers, fromOslo, fromElsewhere), 2), 2, within("oslo"))
		if err != nil {
			t.Fatal(err)
		}
		city := slices.IndexFunc(result.Report.Fields, func(f schemas.FieldReport) bool { return f.Name == "City" })
		// Among those of Oslo no city tells anything.
		if got := result.Report.Fields[city].Influence > 0; got != everybody {
			t.Errorf("%s: the influence of the city is %v", name, result.Report.Fields[city].Influence)
		}
	}
	check("all of the source", 200, 0, 3000, false)
	check("nearly all", 200, 15, 3000, false)
	check("some", 200, 100, 3000, true)
	check("all, but few candidates", 200, 0, 900, true)
}

func TestDoubtfulScoresAreWarnedOf(t *testing.T) {
	check := func(code string, customers []testkit.Customer, l learn.Lesson) {
		t.Helper()
		result, err := learned(t, cached(t, customers, 2), 2, l)
		if err != nil {
			t.Fatal(err)
		}
		if !warned(result.Report, code) {
			t.Errorf("no warning %s but %+v", code, result.Report.Warnings)
		}
	}
	town := testkit.Town(3000)
	usual, err := learned(t, cached(t, town, 2), 2, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range usual.Report.Warnings {
		t.Errorf("as it comes it is warned of %s: %s", w.Code, w.Message)
	}
	check("large_source", local(600, 220, 350), lesson(nil))
	check("many_ties", local(3000, 300, 0), lesson(func(d *schemas.Definition) { d.Fields = []string{"City"} }))

	again := func(change func(*schemas.Report)) learn.Lesson {
		before := *usual.Report
		before.Reach = slices.Clone(before.Reach)
		change(&before)
		l := lesson(nil)
		l.Before, l.Guarded = &before, true
		return l
	}
	check("unusual_size", town, again(func(r *schemas.Report) { r.Counts.Similar = 2*r.Counts.Similar + 1 }))
	check("unusual_size", town, again(func(r *schemas.Report) { r.Counts.Similar /= 2 }))
	check("unusual_scores", town, again(func(r *schemas.Report) { r.Reach[30] += r.Counts.Candidates / 4 }))
	same, err := learned(t, cached(t, town, 2), 2, again(func(*schemas.Report) {}))
	if err != nil || slices.ContainsFunc(same.Report.Warnings, func(w schemas.Warning) bool { return strings.HasPrefix(w.Code, "unusual") }) {
		t.Errorf("a refresh that changes nothing is warned of: %v, %+v", err, same.Report.Warnings)
	}
}
