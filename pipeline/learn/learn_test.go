package learn_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/model"
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

func TestTheSameCustomersGiveTheSameModelInHoweverManyShards(t *testing.T) {
	customers := testkit.Town(6000)
	l := lesson(func(d *schemas.Definition) { d.Suppress = []string{"employees"} })
	var first []byte
	for _, shards := range []int{1, 2, 5} {
		learned, err := learned(t, cached(t, customers, shards), shards, l)
		if err != nil {
			t.Fatal(err)
		}
		learned.Model.Epoch = 1
		raw, err := learned.Model.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = raw
		}
		if !bytes.Equal(raw, first) {
			t.Errorf("with %d shards the model is another", shards)
		}
		slices.Reverse(customers) // rows lie in another order, too
	}
}

// Members are rather those whose plan and city go together, which neither tells by itself.
func TestWhatShowsTogetherOnlyIsLearnedInHoweverManyShards(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const customers = 6000
	profiles, segments := make([]string, customers), make([][]string, customers)
	for i := range profiles {
		city, plan, age := random.IntN(4), random.IntN(4), random.IntN(60)
		profiles[i] = fmt.Sprintf(`{"customerId":"c-%d","fields":{"City":"c%d","Plan":%d,"Age":%d}}`, i, city, plan, age)
		chance := 0.1
		if city%2 == plan%2 {
			chance = 0.5
		}
		if random.Float64() < chance {
			segments[i] = []string{"vip"}
		}
	}
	l := lesson(func(d *schemas.Definition) { d.Fields = []string{"City", "Plan", "Age"} })
	var first *model.Model
	for _, shards := range []int{1, 2, 5} {
		store := stored(t, customers, shards, func(i int) (id, profile string, in []string) {
			if shards == 2 {
				i = customers - 1 - i // rows lie in another order, too
			}
			return fmt.Sprint("c-", i), profiles[i], segments[i]
		})
		learned, err := learned(t, store, shards, l)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = learned.Model
		}
		if !reflect.DeepEqual(learned.Model, first) {
			t.Errorf("with %d shards the model is another", shards)
		}
	}
	if len(first.Crosses) == 0 || !slices.Equal(first.Crosses[0].Fields, []string{"City", "Plan"}) {
		t.Fatalf("crossed are %+v", first.Crosses)
	}
}

// Whoever looks at the fields before a run sees what the run will find.
func TestASurveyFindsWhatARunFinds(t *testing.T) {
	customers := testkit.Town(6000)
	result, err := learned(t, cached(t, customers, 2), 2, lesson(func(d *schemas.Definition) { d.Fields = nil }))
	if err != nil {
		t.Fatal(err)
	}
	for _, derived := range []bool{false, true} {
		store := cached(t, customers, 3)
		if derived {
			store = cached(t, customers, 3, "vip")
		}
		survey, err := (&learn.Trainer{Cache: store, Number: 3}).Survey(t.Context(), nil, "vip", derived)
		if err != nil {
			t.Fatal(err)
		}
		counts := result.Report.Counts
		if survey.Customers.All != counts.Customers || survey.Customers.Source != counts.SourceWithProfile || survey.Segment != counts.Source {
			t.Errorf("surveyed %+v of %d, the run found %+v", survey.Customers, survey.Segment, counts)
		}
		for i, got := range survey.Fields {
			want := result.Report.Fields[i]
			want.Influence, want.For, want.Against = 0, nil, nil
			if !reflect.DeepEqual(got.FieldReport, want) {
				t.Errorf("surveyed %+v, the run found %+v", got.FieldReport, want)
			}
		}
	}
	survey, err := (&learn.Trainer{Cache: cached(t, customers, 2), Number: 2}).Survey(t.Context(), nil, "", false)
	if err != nil || survey.Customers.Source != 0 || len(survey.Fields) != len(result.Report.Fields) {
		t.Errorf("without a segment: %+v, %v", survey, err)
	}
}

// The members of an expansion are learned from, are candidates, and are kept out, as those of a segment are.
func TestTheMembersOfAnExpansionAreTakenAsThoseOfASegment(t *testing.T) {
	customers := testkit.Town(6000)
	change := func(d *schemas.Definition) {
		d.Suppress, d.Candidates.SegmentID = []string{"employees"}, "newsletter"
	}
	want, err := learned(t, cached(t, customers, 2), 2, lesson(change))
	if err != nil {
		t.Fatal(err)
	}
	for _, derived := range [][]string{{"vip"}, {"newsletter"}, {"employees"}, {"vip", "newsletter", "employees"}} {
		l := lesson(change)
		l.Derived = derived
		got, err := learned(t, cached(t, customers, 2, derived...), 2, l)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Model, want.Model) {
			t.Errorf("from the expansions %s another model is learned", derived)
		}
		warned := slices.ContainsFunc(got.Report.Warnings, func(w schemas.Warning) bool { return w.Code == "derived_source" })
		if source := slices.Contains(derived, "vip"); warned != source {
			t.Errorf("with the expansions %s the warning of a derived source is there: %v, want %v", derived, warned, source)
		}
		got.Report.Warnings = want.Report.Warnings
		if !reflect.DeepEqual(got.Report, want.Report) {
			t.Errorf("from the expansions %s: reported %+v, want %+v", derived, got.Report.Counts, want.Report.Counts)
		}
	}
	few := lesson(nil)
	few.Derived = []string{"vip"}
	_, err = learned(t, cached(t, customers[:100], 2, "vip"), 2, few)
	var refused *schemas.RunError
	if !errors.As(err, &refused) || refused.Code != schemas.CodeSourceTooSmall {
		t.Errorf("too small an expansion as a source gives %v", err)
	}
}

// A run reads into the memory of an earlier one. It must find nothing of that one there, and must not change its result.
func TestATrainerLearnsAnewEveryTime(t *testing.T) {
	encoded := func(learned *learn.Result, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		learned.Model.Epoch = 1
		raw, err := learned.Model.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	many, few := cached(t, testkit.Town(6000), 2), cached(t, testkit.Town(9000)[6000:], 2)
	trainer := &learn.Trainer{Cache: many, Number: 2}
	first, err := trainer.Learn(t.Context(), lesson(nil), silent)
	before := encoded(first, err)
	trainer.Cache = few
	if encoded(trainer.Learn(t.Context(), lesson(nil), silent)) != encoded(learned(t, few, 2, lesson(nil))) {
		t.Error("the second run learns something else than a first one")
	}
	if encoded(first, nil) != before {
		t.Error("the second run has changed the result of the first one")
	}
}

// What the report counts is what the rule of membership gives, applied to every customer by itself.
func TestTheReportCountsWhatTheModelDecides(t *testing.T) {
	customers := testkit.Town(6000)
	const shards = 3
	store := cached(t, customers, shards)
	check := func(name string, change func(*schemas.Definition)) {
		t.Helper()
		l := lesson(change)
		learned, err := learned(t, store, shards, l)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, r := learned.Model, learned.Report
		want := schemas.Counts{}
		var lost schemas.Lost
		distribution := [4][3]int64{}
		for _, c := range customers {
			standing := model.Standing{Profile: true, Consents: !c.Refuses, Candidate: c.In(m.Definition.Candidates.SegmentID),
				Source: c.In("vip"), Suppressed: slices.ContainsFunc(m.Definition.Suppress, c.In)}
			if c.In("vip") {
				want.Source++
			}
			if c.Refuses {
				lost.NoConsent++
				continue
			}
			want.Customers++
			if c.In("vip") {
				want.SourceWithProfile++
			}
			if !m.Eligible(standing) {
				switch d := &m.Definition; {
				case d.Candidates.SegmentID != "" && !standing.Candidate:
					lost.NotCandidate++
				case d.ExcludeSource && standing.Source:
					lost.Source++
				default:
					lost.Suppressed++
				}
				continue
			}
			want.Candidates++
			score := m.Score(sum(m, c))
			switch {
			case float64(score) < m.Definition.Floor*model.Best:
				lost.BelowFloor++
			case !m.Reaches(score, l.ExpansionID, []byte(c.ID)):
				lost.BelowCut++
			}
			if float64(score) >= m.Definition.Floor*model.Best {
				want.Similar++
			}
			distribution[m.Band(score)][0]++
			switch {
			case m.Member(standing, score, l.ExpansionID, []byte(c.ID)):
				want.Members++
				distribution[m.Band(score)][1]++
			case m.Reaches(score, l.ExpansionID, []byte(c.ID)):
				want.HeldOut++
				distribution[m.Band(score)][2]++
			}
		}
		if *r.Lost != lost {
			t.Errorf("%s: lost are %+v, want %+v", name, *r.Lost, lost)
		}
		if r.Counts != want {
			t.Errorf("%s: counts %+v, want %+v", name, r.Counts, want)
		}
		for b, band := range r.Distribution {
			if got := [3]int64{band.Candidates, band.Members, band.HeldOut}; got != distribution[b] {
				t.Errorf("%s: band %s has %d, want %d", name, band.Band, got, distribution[b])
			}
		}
		if r.Reach[0] != want.Candidates || len(r.LearnedFrom) != shards || r.LearnedFrom[2].Profiles != 7 {
			t.Errorf("%s: reach %d of %d, learned from %v", name, r.Reach[0], want.Candidates, r.LearnedFrom)
		}
		for _, f := range m.Fields {
			if f.Absent == 0 || len(f.Weights) < 4 {
				t.Errorf("%s: of %s it has learned only %v, absent %d", name, f.Name, f.Weights, f.Absent)
			}
		}
		if want.Similar == 0 || r.Quality.AUC < 0.6 {
			t.Errorf("%s: it has learned nothing: %+v, %+v", name, want, r.Quality)
		}
	}
	check("as it comes", nil)
	check("all who are similar", func(d *schemas.Definition) { d.Share = 1 })
	check("a number", func(d *schemas.Definition) { d.Share, d.Count = 0, 77 })
	check("everybody", func(d *schemas.Definition) { d.Share, d.Floor, d.ExcludeSource = 1, 0, false })
	check("some held out", func(d *schemas.Definition) { d.Holdout = 0.3 })
	check("some of a number", func(d *schemas.Definition) { d.Share, d.Count, d.Holdout = 0, 77, 0.5 })
	check("among others", func(d *schemas.Definition) { d.Candidates.SegmentID = "newsletter" })
	check("without some", func(d *schemas.Definition) { d.Suppress = []string{"employees", "newsletter"} })
	check("the other preset", func(d *schemas.Definition) { d.Preset, d.Floor = "2020-05", 0.4 })
}

// sum adds up what a customer's values weigh, by the words of the model alone.
func sum(m *model.Model, c testkit.Customer) int32 {
	total, has := m.Bias, map[string]string{} // what a model calls the customer's value, by field
	for _, f := range m.Fields {
		switch {
		case f.Name == "City" && c.City == "", f.Name == "Age" && c.Age == 0:
			total += f.Absent
			continue
		case f.Name == "City":
			has[f.Name] = strconv.Quote(c.City)
		default:
			level := 0
			for i := range f.Bounds {
				if from, _ := f.Range(i + 1); float64(c.Age) >= from {
					level = i + 1
				}
			}
			has[f.Name] = strconv.Itoa(level)
		}
		total += f.Weights[has[f.Name]]
	}
	for _, x := range m.Crosses {
		cell := 0
		for i, name := range x.Fields {
			at := slices.Index(x.Values[i], has[name])
			if cell = cell*len(x.Values[i]) + at; at < 0 {
				cell = len(x.Weights)
				break
			}
		}
		if cell < len(x.Weights) {
			total += x.Weights[cell]
		}
	}
	return total
}

func TestWhatCannotBeLearnedIsRefused(t *testing.T) {
	customers := testkit.Town(300)
	for i := range customers {
		customers[i].Segments = nil
		if i < 40 {
			customers[i].Segments = []string{"vip"}
			customers[i].Refuses = i >= 3
		}
	}
	store := cached(t, customers, 2)
	_, err := learned(t, store, 2, lesson(nil))
	var refused *schemas.RunError
	if !errors.As(err, &refused) || refused.Code != schemas.CodeSourceTooSmall ||
		refused.Message != "segment vip refused: 3 of 40 source members have a profile, need 25" || refused.Hint == "" {
		t.Errorf("a source of 3 gives %+v", err)
	}
	_, err = learned(t, cached(t, testkit.Town(2000), 2), 2, lesson(func(d *schemas.Definition) { d.Fields = []string{"Shoes"} }))
	if !errors.As(err, &refused) || refused.Code != schemas.CodeBadField {
		t.Errorf("a field that does not exist gives %+v", err)
	}
	all := testkit.Town(200)
	for i := range all {
		all[i].Segments = []string{"vip"}
	}
	_, err = learned(t, cached(t, all, 2), 2, lesson(nil))
	if !errors.As(err, &refused) {
		t.Errorf("a source of everybody gives %+v", err)
	}
}

// A field for which there is no place is refused with that reason, whether the shards name it or have too many to name.
func TestAFieldWithoutAPlaceIsRefusedForThat(t *testing.T) {
	for _, columns := range []int{300, 900} {
		var junk strings.Builder
		for f := range columns {
			fmt.Fprintf(&junk, `"f%d":"x",`, f)
		}
		customers := testkit.Town(200)
		store := stored(t, len(customers), 2, func(i int) (id, profile string, segments []string) {
			c := &customers[i]
			c.City = "Oslo"
			return c.ID, strings.Replace(c.JSON(), `"fields":{`, `"fields":{`+junk.String()+`"Last":"y",`, 1), []string{"vip"}[:i%2]
		})
		_, err := learned(t, store, 2, lesson(func(d *schemas.Definition) { d.Fields = []string{"Last"} }))
		var refused *schemas.RunError
		if !errors.As(err, &refused) || refused.Message != "there is no place for field Last: 256 other fields came first" {
			t.Errorf("of %d fields: %v", columns, err)
		}
	}
}

func TestASmallSourceADeadPolicyAndALongNameAreWarnedOf(t *testing.T) {
	customers := testkit.Town(600)
	customers[7].Long, customers[7].City = true, "Oslo"
	learned, err := learned(t, cached(t, customers, 2), 2, lesson(func(d *schemas.Definition) {
	}))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	for _, w := range learned.Report.Warnings {
		codes[w.Code]++
	}
	if codes["small_source"] != 1 || codes["long_name"] != 1 {
		t.Errorf("warned of %v with %d source members", codes, learned.Report.Counts.SourceWithProfile)
	}
}

func TestWhatComesOfAConverterIsWarnedOf(t *testing.T) {
	customers := testkit.Town(600)
	customers[7].Odd, customers[7].Refuses = true, false
	customers[8].ID, customers[9].ID = `"c-8"`, `{"customerId":"c-9"}`
	learned, err := learned(t, cached(t, customers, 2), 2, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string][2]string{
		"unknown_property": {"profiles have properties that mean nothing and are ignored: field", "did you mean fields by field?"},
		"json_keys": {"the ids of 2 customers are JSON, such as an id in quotes: segments hardly name them so",
			"have the keys of profiles written as plain text (in Kafka Connect by org.apache.kafka.connect.storage.StringConverter)"},
	} {
		i := slices.IndexFunc(learned.Report.Warnings, func(w schemas.Warning) bool { return w.Code == code })
		if i < 0 || learned.Report.Warnings[i].Message != want[0] || learned.Report.Warnings[i].Hint != want[1] {
			t.Errorf("%s: %+v", code, learned.Report.Warnings)
		}
	}
}

// A list whose ids are written otherwise than those of the profiles is told of; members who refuse to be profiled are not.
func TestASourceWithoutProfilesIsWarnedOf(t *testing.T) {
	warned := func(wrong int) string {
		customers := testkit.Town(2000)
		for i := range customers {
			if customers[i].In("vip") && wrong > 0 {
				customers[i].Segments = nil
				customers = append(customers, testkit.Customer{ID: customers[i].ID + " ", Segments: []string{"vip"}, Unknown: true})
				wrong--
			} else if customers[i].In("vip") && i%3 == 0 {
				customers[i].Refuses = true
			}
		}
		result, err := learned(t, cached(t, customers, 2), 2, lesson(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range result.Report.Warnings {
			if w.Code == "source_without_profile" {
				return w.Message
			}
		}
		return ""
	}
	if got := warned(5); got != "" {
		t.Errorf("of 5 it warns: %s", got)
	}
	if got := warned(60); !strings.HasPrefix(got, "60 of 192 members of segment vip have no profile") {
		t.Errorf("of 60 it warns: %q", got)
	}
}

func TestACacheThatHasFallenBackIsNotLearnedFrom(t *testing.T) {
	store := cached(t, testkit.Town(600), 2)
	l := lesson(nil)
	l.Ends = schemas.Ends{SegmentChanges: 10, Profiles: []int64{7, 8}}
	_, err := learned(t, store, 2, l)
	var refused *schemas.RunError
	if err == nil || errors.As(err, &refused) {
		t.Errorf("shard 1 has seen 7 of 8 profiles, and learning gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.Ends.Profiles[1] = 7
	if _, err := (&learn.Trainer{Cache: store, Number: 2}).Learn(ctx, l, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled it gives %v", err)
	}
}

func TestTheReportIsBoundedHoweverManyFieldsAreDeclared(t *testing.T) {
	l := lesson(nil)
	l.Declared = []schemas.Field{{Name: strings.Repeat("<", 600_000), Type: "T"}}
	for i := range 5000 {
		l.Declared = append(l.Declared, schemas.Field{Name: fmt.Sprintf("%0255d", i), Type: "T"})
	}
	learned, err := learned(t, cached(t, testkit.Town(3000), 2), 2, l)
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, f := range learned.Report.Fields {
		if f.Used {
			used = append(used, f.Name)
		}
	}
	if raw, err := json.Marshal(learned.Report); err != nil || len(raw) > 300_000 || !slices.Equal(used, []string{"Age", "City"}) {
		t.Errorf("the report has %d bytes and the fields %q (%v)", len(raw), used, err)
	}
}
