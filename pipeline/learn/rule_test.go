package learn_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kindred/schemas"
)

// shopper is a customer of whom four fields tell. An empty plan is none.
type shopper struct {
	city, plan, shop string
	age              int
}

func shoppers(n int) []shopper {
	rng := rand.New(rand.NewPCG(8, 8))
	all := make([]shopper, n)
	for i := range all {
		all[i] = shopper{
			city: []string{"Oslo", "Bergen", "Bodø", "Hamar", "Moss"}[rng.IntN(5)], plan: []string{"pro", "basic", "free", ""}[rng.IntN(4)],
			shop: []string{"north", "south"}[rng.IntN(2)], age: 20 + rng.IntN(50),
		}
	}
	return all
}

// learnedFrom learns from those of them for whom in says so.
func learnedFrom(t *testing.T, all []shopper, fields []string, in func(i int, s shopper) bool) *schemas.Report {
	t.Helper()
	store := stored(t, len(all), 2, func(i int) (id, profile string, segments []string) {
		s, plan := all[i], ""
		if s.plan != "" {
			plan = fmt.Sprintf(`,"Plan":%q`, s.plan)
		}
		if in(i, s) {
			segments = []string{"vip"}
		}
		id = "c-" + strconv.Itoa(i)
		return id, fmt.Sprintf(`{"fields":{"City":%q,"Shop":%q,"Years":%d%s}}`, s.city, s.shop, s.age, plan), segments
	})
	result, err := learned(t, store, 2, lesson(func(d *schemas.Definition) { d.Fields = fields }))
	if err != nil {
		t.Fatal(err)
	}
	return result.Report
}

func TestASourceThatIsARuleIsWarnedOf(t *testing.T) {
	all := shoppers(6000)
	fields := []string{"City", "Plan", "Shop", "Years"}
	told := func(r *schemas.Report) *schemas.Warning {
		i := slices.IndexFunc(r.Warnings, func(w schemas.Warning) bool { return w.Code == "source_rule" })
		if i < 0 {
			return nil
		}
		return &r.Warnings[i]
	}
	shares := regexp.MustCompile(`rule over fields that are used: (.*) holds for (\S+) % of it and for (\S+) % of everybody else\.`)
	// is says that a source is warned of, in these words. The shares in them are what counting gives.
	is := func(words, others string, fits, in func(i int, s shopper) bool) {
		t.Helper()
		w := told(learnedFrom(t, all, fields, in))
		if w == nil {
			t.Errorf("%s: no warning", words)
			return
		}
		var source, sourceFits, other, otherFits float64
		for i, s := range all {
			inside, fit := in(i, s), 0.0
			if fits(i, s) {
				fit = 1
			}
			if inside {
				source, sourceFits = source+1, sourceFits+fit
			} else {
				other, otherFits = other+1, otherFits+fit
			}
		}
		found := shares.FindStringSubmatch(w.Message)
		if found == nil || found[1] != words {
			t.Errorf("%s: it says %s", words, w.Message)
			return
		}
		near := func(text string, share float64) bool {
			told, err := strconv.ParseFloat(text, 64)
			return err == nil && told-100*share < 0.6 && 100*share-told < 0.6
		}
		if !near(found[2], sourceFits/source) || !near(found[3], otherFits/other) {
			t.Errorf("%s: it says %s and %s %%, counted %.3f and %.3f", words, found[2], found[3], sourceFits/source, otherFits/other)
		}
		if want := "use the rule itself, or leave its fields out and name the other fields only: " + others; w.Hint != want {
			t.Errorf("%s: the way out is %s", words, w.Hint)
		}
	}
	isNot := func(what string, in func(i int, s shopper) bool) {
		t.Helper()
		if w := told(learnedFrom(t, all, fields, in)); w != nil {
			t.Errorf("%s: %s", what, w.Message)
		}
	}
	osloPro := func(_ int, s shopper) bool { return s.city == "Oslo" && s.plan == "pro" }
	is("City = Oslo and Plan = pro", "--field Shop --field Years", osloPro, osloPro)
	is("City = Oslo and Plan = pro", "--field Shop --field Years", osloPro, func(i int, s shopper) bool {
		return osloPro(i, s) && i%50 > 0 || i%1000 == 0 // nearly
	})
	none := func(_ int, s shopper) bool { return s.city == "Oslo" && s.plan == "" && s.shop == "north" }
	is("City = Oslo and Plan = no value and Shop = north", "--field Years", none, none)
	either := func(_ int, s shopper) bool { return (s.city == "Oslo" || s.city == "Moss") && s.age < 26 }
	is("Years = up to 25 and City = Moss or Oslo", "--field Plan --field Shop", either, either)
	isNot("all of a city, and of others", func(i int, s shopper) bool { return s.city == "Oslo" && i%5 > 0 || i%20 == 0 })
	isNot("of one city, a fifth of everybody", func(i int, s shopper) bool { return s.city == "Oslo" && i%4 == 0 })
	isNot("nine of ten of it are", func(i int, s shopper) bool { return osloPro(i, s) || i%200 == 0 })
	isNot("by lot", func(i int, s shopper) bool { return i%100 == 7 })

	without := learnedFrom(t, all, []string{"Shop", "Years"}, osloPro)
	if w := told(without); w != nil {
		t.Errorf("without its fields: %s", w.Message)
	}
}

// A field of which many others have values that hardly any source member has is warned of also where nothing else makes a rule.
func TestAFieldThatKeepsOthersOutIsWarnedOf(t *testing.T) {
	r := learnedFrom(t, shoppers(6000), []string{"City", "Plan"}, func(i int, s shopper) bool { return s.city == "Oslo" && i%4 == 0 })
	i := slices.IndexFunc(r.Warnings, func(w schemas.Warning) bool { return w.Code == "rule_field" })
	if i < 0 || !strings.Contains(r.Warnings[i].Message, "field City") || r.Warnings[i].Hint != "name the other fields only: --field Plan" {
		t.Errorf("warnings %+v", r.Warnings)
	}
}

func TestProtectedFieldsAreWarnedOfWhenTheyAreUsed(t *testing.T) {
	told := func(fields ...string) string {
		t.Helper()
		store := stored(t, 2000, 2, func(i int) (id, profile string, segments []string) {
			if i%10 == 0 || i%14 == 0 {
				segments = []string{"vip"}
			}
			return "c-" + strconv.Itoa(i), fmt.Sprintf(`{"fields":{"Gender":"g%d","Page":"p%d","date of birth":%d}}`, i%2, i%7, 1950+i%53), segments
		})
		result, err := learned(t, store, 2, lesson(func(d *schemas.Definition) { d.Fields = fields }))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range result.Report.Warnings {
			if w.Code == "protected_fields" {
				return w.Message + " → " + w.Hint
			}
		}
		return ""
	}
	if got := told("Page"); got != "" {
		t.Errorf("of pages it says %s", got)
	}
	if got := told("Gender", "Page", "date of birth"); !strings.Contains(got, "what laws protect: Gender (gender), date of birth (age) → ") ||
		!strings.Contains(got, "name the other fields only: --field Page; or declare them sensitive") {
		t.Errorf("it says %s", got)
	}
}
