package learn_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// A load without the column that the last model went by, or with something else in it, moves members: the next run says why.
func TestAFieldThatIsLostIsWarnedOf(t *testing.T) {
	const all = 2000
	dirty := 0 // customers with a city of their own
	run := func(cities int, before []schemas.FieldReport, fields ...string) *schemas.Report {
		t.Helper()
		customers := testkit.Town(all)
		for i := range customers {
			switch {
			case i >= cities:
				customers[i].City = ""
			case i < dirty:
				customers[i].City = fmt.Sprint("Oslo ", i)
			}
		}
		l := lesson(func(d *schemas.Definition) { d.Fields = fields })
		l.Before = &schemas.Report{Fields: before}
		result, err := learned(t, cached(t, customers, 2), 2, l)
		if err != nil {
			t.Fatal(err)
		}
		return result.Report
	}
	check := func(what string, report *schemas.Report, want string) {
		t.Helper()
		i := slices.IndexFunc(report.Warnings, func(w schemas.Warning) bool { return w.Code == "field_lost" })
		switch {
		case i < 0 && want != "":
			t.Errorf("%s: no warning", what)
		case i >= 0 && (want == "" || !strings.HasPrefix(report.Warnings[i].Message, want)):
			t.Errorf("%s: %s", what, report.Warnings[i].Message)
		}
	}
	both, age := run(all, nil, "City", "Age").Fields, run(all, nil, "Age").Fields
	const lost = "what members were judged by in the last run is lost: City ("
	check("the first run", run(0, nil, "Age"), "")
	check("nothing has changed", run(all, both, "City", "Age"), "")
	check("some have lost it", run(all*2/3, both, "City", "Age"), "")
	check("most have lost it", run(all/3, both, "City", "Age"), lost)
	check("nobody has it", run(0, both, "Age"), lost)
	check("nobody has what was not used", run(0, age, "Age"), "")
	check("it is not asked for", run(all, both, "Age"), "")
	dirty = 100
	check("it has too many values", run(all, both, "Age"), lost)
}
