package terminal_test

import (
	"testing"

	"kindred/cmd/internal/terminal"
)

func TestAHelpTextIsFolded(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"short\n", "short\n"},
		{"one two three four five six seven eight nine ten\n", "one two three four five six seven eight\nnine ten\n"},
		{"  --flag int    what the flag does, in more words than fit\n", "  --flag int    what the flag does, in\n                more words than fit\n"},
		{"  indented text that is too long to stand on one line\n", "  indented text that is too long to\n  stand on one line\n"},
		{"a-word-that-is-longer-than-the-terminal-is-wide and more\n", "a-word-that-is-longer-than-the-terminal-is-wide\nand more\n"},
	} {
		if got := terminal.Fold(c.text, 40); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
	if got, want := terminal.Paragraphs("one\ntwo\n\nthree\n  code\nfour"), "one two\n\nthree\n  code\nfour"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
