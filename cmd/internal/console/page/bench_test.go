package page_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
)

func BenchmarkTheListOf200Expansions(b *testing.B) {
	w := typical()
	for i := range 200 {
		e := w.expansions[0]
		e.ExpansionID = fmt.Sprintf("vip-%d", i)
		w.expansions = append(w.expansions, e)
	}
	h := w.site().Handler()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
}
