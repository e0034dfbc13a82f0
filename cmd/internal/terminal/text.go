package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/mattn/go-runewidth"
)

// Painted is text that may go to the terminal as it is. Bold and its kin return it: what they were given was cleaned first.
type Painted string

// shown returns an argument of Line as it may be printed: all text that is not Painted is cleaned, since names, ids and errors
// come from anybody.
func shown(argument any) any {
	switch kind := reflect.ValueOf(argument).Kind(); {
	case reflect.TypeOf(argument) == reflect.TypeFor[Painted](), kind >= reflect.Bool && kind <= reflect.Float64:
		return argument
	}
	return clean(fmt.Sprint(argument))
}

// clean replaces what would move the cursor, change colours or reverse the direction of a terminal.
func clean(text string) string {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d' // of Persian words, and of emoji
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) || r == zeroWidthNonJoiner || r == zeroWidthJoiner {
			return r
		}
		return '·'
	}, text)
}

// JSON writes a value as JSON. What clean would replace is escaped: a terminal shows it, and whoever parses it has it whole.
func (s Screen) JSON(value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	escaped := make([]byte, 0, text.Len())
	for _, r := range text.String() {
		switch {
		case r == '\n' || unicode.IsGraphic(r):
			escaped = append(escaped, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	_, err := s.W.Write(escaped)
	return err
}

// cells measures text in columns: one of 高収入 takes two. What is ambiguous, such as box drawing, takes one in every locale.
var cells = &runewidth.Condition{}

func columns(text string) int { return cells.StringWidth(text) }

// pad fills text up with spaces: to the left when width is negative.
func pad(text string, width int) string {
	missing := strings.Repeat(" ", max(0, max(width, -width)-columns(text)))
	if width < 0 {
		return missing + text
	}
	return text + missing
}

// short cuts a text that is too long, with an ellipsis.
func short(text string, width int) string { return cells.Truncate(text, width, "…") }

// middle is short for ids, whose ends tell them apart: it leaves out what is in the middle.
func middle(text string, width int) string {
	all := columns(text)
	if all <= width {
		return text
	}
	left := cells.Truncate(text, width/2, "")
	return left + "…" + strings.TrimLeft(cells.TruncateLeft(text, all-(width-1-columns(left)), ""), " ")
}

// fit is middle on a terminal. Elsewhere text stays whole: scripts want all of it.
func (s Screen) fit(text string, width int) string {
	if !s.IsTerminal() {
		return text
	}
	return middle(text, max(width, narrowest))
}

// narrowest is how many columns are left of a text at least.
const narrowest = 8

// wrap returns text in lines that fit.
func (s Screen) wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		word = s.fit(clean(word), width)
		if line != "" && columns(line)+1+columns(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// Plain returns text in which nothing moves the cursor, for who prints it without a Screen.
func Plain(text string) string { return clean(text) }
