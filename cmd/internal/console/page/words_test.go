package page

import "testing"

func TestSentences(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		if got := sentence(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	check("is a member: the score reaches the cut", "Is a member: the score reaches the cut.")
	check("vip-expansion was deleted", "vip-expansion was deleted.")
	check("élan", "Élan.")
	check("is it?", "Is it?")
	check("", "")
}
