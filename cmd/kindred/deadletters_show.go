package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
)

func (p *program) showLetter() *cobra.Command {
	var values bool
	command := &cobra.Command{
		Use:   "show OFFSET",
		Short: "Show one dead letter, its values masked",
		Long: "Shows why a record was refused, and the record. Its key is a customer's id more often than not, and its value and headers\n" +
			"hold what people told about themselves: of all of them only the shape is shown, words as x and numbers as 9.",
		Example: "  kindred dead-letters show 17",
		Args:    named("OFFSET"),
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := p.connect(command.Context())
			if err != nil {
				return err
			}
			defer c.close()
			l, err := c.letterAt(command.Context(), arguments[0])
			if err != nil {
				return err
			}
			shown := showing(l, values)
			return p.print(shown, func() { shown.draw(p.out, l) })
		},
	}
	command.Flags().BoolVar(&values, "values", false, "show key, value and headers as they are")
	return command
}

// shownLetter is what `dead-letters show` prints.
type shownLetter struct {
	reading.Letter
	Masked    bool         `json:"masked"`
	Key       shownBytes   `json:"key"`
	Value     shownBytes   `json:"value"`
	Headers   []shownField `json:"headers"`
	Tombstone bool         `json:"tombstone"`
	LeftOut   string       `json:"leftOut,omitempty"` // why there is no value, in words
}

type shownField struct {
	Name  string     `json:"name"`
	Value shownBytes `json:"value"`
}

// shownBytes are bytes of a record: as text if they are one and nothing of it is hidden, else in base64.
type shownBytes struct {
	Size   int    `json:"size"`
	Text   string `json:"text,omitempty"`
	Base64 string `json:"base64,omitempty"`
}

// showing returns a letter as it is shown: its values masked, unless they are asked for.
func showing(l *reading.DeadLetter, values bool) shownLetter {
	one := func(b []byte) shownBytes {
		switch {
		case !values:
			return shownBytes{Size: len(b), Text: mask(b)}
		case utf8.Valid(b):
			return shownBytes{Size: len(b), Text: string(b)}
		}
		return shownBytes{Size: len(b), Base64: base64.StdEncoding.EncodeToString(b)}
	}
	shown := shownLetter{
		Letter: l.Line(), Masked: !values, Key: one(l.Key), Value: one(l.Value), Headers: []shownField{},
		LeftOut: l.Valueless(),
	}
	shown.Tombstone = l.Value == nil && shown.LeftOut == ""
	for name, value := range l.Headers.All() {
		shown.Headers = append(shown.Headers, shownField{reading.Clip(name), one(value)})
	}
	return shown
}

func (s *shownLetter) draw(screen terminal.Screen, l *reading.DeadLetter) {
	screen.Title(fmt.Sprintf("Dead letter %d", s.Offset), clock(s.At))
	screen.Say(fmt.Sprintf("%s: %s", s.Code, s.Message))
	screen.Line("")
	row := func(name, text string) { screen.Beside(fmt.Sprintf("%-8s", name), text) }
	row("from", fmt.Sprintf("%s, partition %d, offset %d, refused by %s", s.Topic, s.Partition, s.SourceOffset, s.Stage))
	if s.Replays > 0 {
		row("replayed", terminal.Count(s.Replays, "time"))
	}
	row("key", s.Key.String())
	for _, h := range s.Headers {
		row("header", h.Name+": "+h.Value.String())
	}
	switch {
	case s.LeftOut != "":
		row("value", "not here: "+s.LeftOut)
	case s.Tombstone:
		row("value", "none: a tombstone")
	default:
		row("value", s.Value.String())
	}
	screen.Line("")
	switch {
	case s.LeftOut != "":
		screen.Say("It cannot be put back: publish the record anew where it came from.")
	default:
		screen.Say(fmt.Sprintf("Put it back: kindred dead-letters replay %d", s.Offset))
	}
	if s.Masked && len(l.Key)+len(l.Value)+l.Headers.Len() > 0 {
		screen.Say("Key, value and headers are masked; --values shows them.")
	}
}

// mostShown is how much of a value is drawn; --json has all of it.
const mostShown = 2000 // characters

func (b shownBytes) String() string {
	text := b.Text
	if b.Base64 != "" {
		text = b.Base64 + " (base64)"
	}
	if n := utf8.RuneCountInString(text); n > mostShown {
		text = fmt.Sprintf("%s… and %s more", string([]rune(text)[:mostShown]), terminal.Number(n-mostShown))
	}
	return fmt.Sprintf("%s   (%s)", text, terminal.Count(b.Size, "byte"))
}

// plainWords are those of kindred's own events, which tell nothing of anybody: mask leaves them as they are.
var plainWords = map[string]bool{
	"customerId": true, "fields": true, "profiling": true, "payload": true, "schema": true, "before": true, "after": true, "op": true,
	"name": true, "type": true, "label": true, "sensitive": true,
	"segmentId": true, "added": true, "removed": true, "snapshot": true, "part": true, "parts": true, "members": true,
	"requestId": true, "action": true, "expansionId": true, "sourceSegmentId": true, "candidates": true, "suppress": true,
	"excludeSource": true, "share": true, "count": true, "floor": true, "preset": true, "holdout": true, "tags": true, "refresh": true,
	"onDataEvent": true, "sourceChange": true, "every": true, "force": true, "dryRun": true,
	"source": true, "batchId": true, "kind": true, "specversion": true, "data": true,
}

// mask returns the shape of a text: a run of letters as x, one of digits as 9, what is no text as a dot. The words of kindred's
// own events stay where they are names of properties: in quotation marks before a colon.
func mask(b []byte) string {
	var masked strings.Builder
	rest := string(b)
	for len(rest) > 0 {
		r, size := utf8.DecodeRuneInString(rest)
		kind := shape(r, size)
		for kind == 'x' || kind == '9' { // to the end of the run
			next, n := utf8.DecodeRuneInString(rest[size:])
			if n == 0 || shape(next, n) != kind {
				break
			}
			size += n
		}
		if word := rest[:size]; plainWords[word] && isName(rest[size:], masked.String()) {
			masked.WriteString(word)
		} else {
			masked.WriteByte(kind)
		}
		rest = rest[size:]
	}
	return masked.String()
}

// isName reports whether a word is the name of a property by what stands before and after it.
func isName(after, before string) bool {
	rest, quoted := strings.CutPrefix(after, `"`)
	return quoted && strings.HasSuffix(before, `"`) && strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n"), ":")
}

// shape is what a character is shown as.
func shape(r rune, size int) byte {
	switch {
	case r == utf8.RuneError && size <= 1:
		return '.'
	case unicode.IsLetter(r):
		return 'x'
	case unicode.IsDigit(r):
		return '9'
	case r >= ' ' && r < 0x7f:
		return byte(r)
	}
	return '.'
}
