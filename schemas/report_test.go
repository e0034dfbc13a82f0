package schemas_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kindred/schemas"
)

func encoded(t *testing.T, value any) int {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

func TestAReportIsBoundedWhateverNamesThereAre(t *testing.T) {
	check := func(what string, name string, fields, used int) {
		t.Helper()
		r := schemas.NewReport()
		for i := range fields {
			f := schemas.FieldReport{Name: fmt.Sprint(i%10) + name, Type: name, Used: i >= fields-used, Influence: 1 / float64(1+i)}
			if f.Used {
				value := schemas.ValueReport{Value: name, Lift: 123.456, Customers: 1 << 62}
				f.For, f.Against = []schemas.ValueReport{value, value, value}, []schemas.ValueReport{value, value, value}
			}
			r.Fields = append(r.Fields, f)
			r.Warnings = append(r.Warnings, schemas.Warning{Code: "nested", Message: name, Hint: name})
		}
		for range 16 {
			r.Crosses = append(r.Crosses, schemas.CrossReport{Fields: []string{name, name}, For: []schemas.ValueReport{{Value: name}}})
		}
		for i := range 1024 {
			r.LearnedFrom = append(r.LearnedFrom, schemas.Offsets{Shard: i, Profiles: 1 << 62, SegmentMembers: 1 << 62, Memberships: 1 << 62})
		}
		r.Bound()
		if encoded(t, r.Crosses) > 20_000 {
			t.Errorf("%s: the crosses have %d bytes", what, encoded(t, r.Crosses))
		}
		if n := encoded(t, r); n > 220_000 {
			t.Errorf("%s: the report has %d bytes", what, n)
		}
		if len(r.Warnings) > 52 || len(r.LearnedFrom) != 1024 {
			t.Errorf("%s: there are %d warnings, and %d shards", what, len(r.Warnings), len(r.LearnedFrom))
		}
		kept := 0
		for _, f := range r.Fields {
			if len(f.Name) > schemas.LongestFieldName || !utf8.ValidString(f.Name) {
				t.Errorf("%s: a name has %d bytes: %.20q", what, len(f.Name), f.Name)
			}
			if f.Used {
				kept++
			}
		}
		first, values := slices.IndexFunc(r.Fields, func(f schemas.FieldReport) bool { return f.Used }), 0
		for i := range r.Fields {
			values += encoded(t, r.Fields[i].For) + encoded(t, r.Fields[i].Against)
		}
		if r.Fields[first].For == nil || values > 40_000+10*len(r.Fields) {
			t.Errorf("%s: values take %d bytes, and those of the first field are %+v", what, values, r.Fields[first].For)
		}
		last := r.Warnings[len(r.Warnings)-1]
		if kept == 0 || len(r.Fields) < fields && last.Code != "more_fields" {
			t.Errorf("%s: %d of %d fields are left, %d of them used, and it says %+v", what, len(r.Fields), fields, kept, last)
		}
	}
	check("a long name", strings.Repeat("<", 600_000), 1, 1)
	check("many fields", "<", 20_000, 100)
	check("many fields with values", strings.Repeat("v", 60), 256, 256)
	check("many long names of wide characters", strings.Repeat("æ\x01", 300), 5000, 5000)
}

func TestAnOrdinaryReportStaysAsItIs(t *testing.T) {
	ordinary := func() *schemas.Report {
		r := schemas.NewReport()
		for i := range 256 {
			r.Fields = append(r.Fields, schemas.FieldReport{Name: fmt.Sprint("field", i), Type: "category", Coverage: 1 / 3.0})
			r.LearnedFrom = append(r.LearnedFrom, schemas.Offsets{Shard: i})
		}
		r.Warnings = append(r.Warnings, schemas.Warning{Code: "nested", Message: "m", Hint: "h"})
		return r
	}
	r := ordinary()
	r.Bound()
	if !reflect.DeepEqual(r, ordinary()) {
		t.Errorf("it is %+v", r)
	}
}

func TestADeclarationHasBounds(t *testing.T) {
	check := func(ok bool, key, value string) {
		t.Helper()
		var f schemas.Field
		if err := f.Decode([]byte(key), []byte(value)); (err == nil) != ok {
			t.Errorf("%.20s %.40s: %v", key, value, err)
		}
	}
	long := strings.Repeat("æ", 128)
	check(true, long[2:]+"x", `{}`)
	check(false, long, `{}`)
	check(false, "", `{"name":"`+long+`"}`)
	check(true, "f", `{"type":"`+long[:200]+`","label":"`+long+long+`"}`)
	check(false, "f", `{"type":"`+long+`"}`)
	check(false, "f", `{"label":"`+strings.Repeat(long, 4)+`"}`)
}
