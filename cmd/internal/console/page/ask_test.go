package page_test

import (
	"net/http"
	"strings"
	"testing"
)

// Who ticks fields and leaves the choice of the recommended ones may mean either.
func TestTicksAreNotPassedOverForTheRecommendedFields(t *testing.T) {
	w := typical()
	h := w.site().Handler()
	for _, ticked := range [][]string{{"TravelStyle", "City", "Membership"}, {"TravelStyle", "City", "Membership", "ShoeSize", "Age"}} {
		for _, from := range []string{"/expand?source=newsletter", "/edit?id=vip-expansion"} {
			action, _, _ := strings.Cut(from, "?")
			values := get(t, h, from).formOf(t, action).values
			if values.Get("choice") != "recommended" {
				t.Fatalf("%s begins with %s", from, values.Get("choice"))
			}
			values["field"] = ticked
			values.Set("do", "run")
			v := post(t, h, action, values)
			if v.status != http.StatusUnprocessableEntity || !strings.Contains(v.text, "Other fields are ticked than the recommended ones.") || len(w.asked) > 0 {
				t.Fatalf("%s with %v: %d, asked for %v", from, ticked, v.status, w.asked)
			}
			again := v.formOf(t, action).values
			again.Set("do", "run")
			post(t, h, action, again)
			if len(w.asked) != 1 || w.asked[0].Fields == nil || len(*w.asked[0].Fields) != len(ticked) {
				t.Errorf("%s with %v, and once more: asked for %+v", from, ticked, w.asked)
			}
			w.asked = nil
		}
	}
}
