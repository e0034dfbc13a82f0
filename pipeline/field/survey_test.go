package field_test

import (
	"testing"

	"kindred/pipeline/field"
	"kindred/schemas"
)

func TestASurveySaysWhyNotAndNamesOnlyWhatManyHave(t *testing.T) {
	declared := []schemas.Field{{Name: "Faith", Type: "Person.Faith", Sensitive: true}, {Name: "Code", Type: "StringType"}}
	rare := strings("Rare", 2)
	rare.Present = field.Count{All: 9}
	surveyed := field.New(declared, everybody, []field.Tally{
		strings("Street", 31), strings("One", 1), strings("Code", 4), strings("Faith", 4), numbers("Age", 60), rare,
		{Name: "Name", Present: everybody, Overflow: true},
		values("City", map[string]field.Count{`"Oslo"`: {All: 600}, `"Bergen"`: {All: 391}, `"Vik"`: {All: 9}}),
		values("Stamp", map[string]field.Count{`"vip"`: {All: 100, Source: 100}, `"no"`: {All: 900}}),
	}).Survey()
	found := map[string]field.Surveyed{}
	for _, s := range surveyed {
		found[s.Name] = s
		if s.Used != (s.Why == "") {
			t.Errorf("%s is recommended: %v, because %q", s.Name, s.Used, s.Why)
		}
	}
	for name, why := range map[string]string{
		"City": "", "Street": "more than 30 values", "One": "fewer than 2 values", "Code": "of this type only when named",
		"Faith": "declared sensitive", "Age": "of this type only when named", "Name": "more than 30 values",
		"Rare": "fewer than 1 % have it", "Stamp": "gives the segment away",
	} {
		if got := found[name].Why; got != why {
			t.Errorf("%s is not recommended because %q, want %q", name, got, why)
		}
	}
	if v := found["City"].Values; len(v) != 2 || v[0].Text != `"Oslo"` || v[1].All != 391 {
		t.Errorf("the values of City are %+v, want those that ten customers have, the most frequent first", v)
	}
	if v := found["Faith"].Values; v != nil {
		t.Errorf("the values of a sensitive field are shown: %+v", v)
	}
}
