package learn_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/model"
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
		city := slices.IndexFunc(result.Model.Fields, func(f model.Field) bool { return f.Name == "City" })
		// Beside those of Oslo alone, Oslo tells nothing for somebody.
		weights := result.Model.Fields[city].Weights
		if tells := weights[`"Oslo"`] - weights[`"Bergen"`]; tells > model.One/2 != everybody {
			t.Errorf("%s: Oslo weighs %d more than Bergen", name, tells)
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
		if w.Code != "protected_fields" { // the age
			t.Errorf("as it comes it is warned of %s: %s", w.Code, w.Message)
		}
	}
	check("large_source", local(600, 220, 350), lesson(nil))
	if most, err := learned(t, cached(t, local(1000, 300, 450), 2), 2, lesson(nil)); err != nil || warned(most.Report, "large_source") {
		t.Errorf("three of four customers are nearly everybody: %v", err)
	}
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

// A refresh by which many leave or come, or that has become worse than chance explains, goes on, and says so.
func TestARefreshThatMovesManyIsWarnedOf(t *testing.T) {
	customers := testkit.Town(3000)
	first, err := learned(t, cached(t, customers, 2), 2, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	should := decided(first.Model, customers)
	check := func(what string, codes []string, stay, leave int, change func(before *schemas.Report, l *learn.Lesson)) {
		t.Helper()
		states := someOf(customers, should, stay, leave, cache.PackState(3, 9000))
		before := *first.Report
		l := lesson(nil)
		l.Guarded, l.Before = true, &before
		change(&before, &l)
		result, err := learned(t, published(t, customers, 2, states), 2, l)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, w := range result.Report.Warnings {
			if strings.HasPrefix(w.Code, "unusual_") && strings.Contains(w.Hint, "kindred runs vip-expansion") {
				told = append(told, w.Code)
			}
		}
		if !slices.Equal(told, codes) {
			t.Errorf("%s: it is warned of %v, want %v", what, told, codes)
		}
	}
	same := func(*schemas.Report, *learn.Lesson) {}
	all := len(should)
	check("a quarter leaves", nil, all, all/3, same)
	check("more than a quarter leaves", []string{"unusual_leave"}, all, all/3+1, same)
	check("it grows by half", nil, (2*all+2)/3, 0, same)
	check("it grows by more than half", []string{"unusual_growth"}, (2*all-1)/3, 0, same)
	check("nobody was a member", nil, 0, 0, same)
	check("an edit", nil, all, all/2, func(_ *schemas.Report, l *learn.Lesson) { l.Guarded = false })
	quality := func(low float64) func(*schemas.Report, *learn.Lesson) {
		return func(before *schemas.Report, _ *learn.Lesson) {
			before.Quality.AUC, before.Quality.AUCLow = low+0.01, low
		}
	}
	high := first.Report.Quality.AUCHigh
	check("within the interval", nil, all, 0, quality(high))
	check("beyond the interval", []string{"unusual_quality"}, all, 0, quality(high+0.001))
}

// A refresh may not replace members who were learned by such as chance picks, unless it is forced.
func TestARefreshThatLearnsNothingIsRefused(t *testing.T) {
	good, err := learned(t, cached(t, local(3000, 300, 0), 2), 2, lesson(nil))
	if err != nil || good.Report.Quality.Chance() {
		t.Fatalf("%+v (%v)", good, err)
	}
	lot := cached(t, local(3000, 100, 200), 2)
	refresh := func(change func(*learn.Lesson)) (*learn.Result, *schemas.RunError) {
		t.Helper()
		l := lesson(nil)
		l.Guarded, l.Before = true, good.Report
		change(&l)
		result, err := learned(t, lot, 2, l)
		var refused *schemas.RunError
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		return result, refused
	}
	if _, refused := refresh(func(*learn.Lesson) {}); refused == nil || refused.Code != schemas.CodeNothingLearned ||
		!strings.HasPrefix(refused.Message, "what was learned cannot be told from chance (AUC 0.4") || !strings.Contains(refused.Hint, "--force") {
		t.Errorf("it gives %+v", refused)
	}
	for name, change := range map[string]func(*learn.Lesson){
		"forced":                       func(l *learn.Lesson) { l.Guarded = false },
		"the first run":                func(l *learn.Lesson) { l.Before = nil },
		"after one without members":    func(l *learn.Lesson) { l.Before = schemas.NewReport() },
		"after one that was by lot":    func(l *learn.Lesson) { r := *l.Before; r.Quality.AUCLow = 0.5; l.Before = &r },
		"a dry run, which warns of it": func(l *learn.Lesson) { l.DryRun = true },
	} {
		result, refused := refresh(change)
		if refused != nil {
			t.Errorf("%s: it is refused: %+v", name, refused)
		} else if dry := strings.HasPrefix(name, "a dry run"); dry != warned(result.Report, schemas.CodeNothingLearned) || !warned(result.Report, "chance") {
			t.Errorf("%s: warnings %+v", name, result.Report.Warnings)
		}
	}
}
