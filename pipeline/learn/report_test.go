package learn_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kindred/pipeline/model"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

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
