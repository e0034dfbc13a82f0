package page_test

import (
	"strings"
	"testing"
)

// A report is told as in the terminal.
func TestOnlyWhatTellsMembersApartIsDrawn(t *testing.T) {
	h := typical().site().Handler()
	for _, at := range []string{"/expansion?id=vip-expansion", "/run?id=vip-expansion&run=r-1"} {
		text := get(t, h, at).text
		for _, want := range []string{"Influence of 3 fields", "Learned from, and of no influence: ShoeSize.", "Kept out, each by the first rule that does: 61 without consent"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", at, want)
			}
		}
		for _, silent := range []string{"<span>0 %</span>", ">bronze<", "<h3><bdi>ShoeSize<"} {
			if strings.Contains(text, silent) {
				t.Errorf("%s draws %s", at, silent)
			}
		}
	}
}

func TestOnlyWhatHasVisiblyMovedIsNamed(t *testing.T) {
	text := get(t, typical().site().Handler(), "/drift?id=vip-expansion").text
	if !strings.Contains(text, "10 % → 34 %") || strings.Contains(text, "25 % → 25 %") {
		t.Error("it names a value that nobody sees move, or not the one that has moved")
	}
}

func TestOnlyWhatARunHasChangedLeadsToIt(t *testing.T) {
	runs := 0
	for _, link := range get(t, typical().site().Handler(), "/why?id=vip-expansion&customer=c-0000017").links {
		if strings.HasPrefix(link, "/run?") {
			runs++
		}
	}
	if runs != 1 {
		t.Errorf("%d links to runs: one was entered by a run, and has left by a profile", runs)
	}
}
