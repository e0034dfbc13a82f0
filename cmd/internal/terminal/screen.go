// Package terminal draws for people: a report with its bands and its reach, tables of members, progress. Without colours it
// draws the same as plain text. It computes nothing: everything that it shows is in what it is given.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Screen is where to draw.
type Screen struct {
	W     io.Writer
	Width int  // columns; 0: 80
	Color bool // also: something that moves may be drawn
}

// widest is where lines end on a wide screen too: long bars are no easier to read.
const widest = 96

// On returns a screen that draws what a writer can show. NO_COLOR and TERM=dumb turn colours off.
func On(w io.Writer) Screen {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return Screen{W: w}
	}
	screen := Screen{W: w, Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		screen.Width = width
	}
	return screen
}

func (s Screen) width() int {
	switch {
	case s.Width <= 0:
		return 80
	case s.Width < 60:
		return 60 // narrower than this, lines break where they like
	}
	return min(s.Width, widest)
}

// Line writes one line.
func (s Screen) Line(format string, arguments ...any) {
	fmt.Fprintf(s.W, format+"\n", arguments...)
}

// Title writes a heading with a blank line before it.
func (s Screen) Title(text, aside string) {
	line := "\n  " + s.Bold(text)
	if aside != "" {
		line += "   " + s.Faint(aside)
	}
	s.Line("%s", line)
}

// Say writes text in lines that fit, each indented by two spaces.
func (s Screen) Say(text string) { s.Indented(2, text) }

// Indented is Say with another indent.
func (s Screen) Indented(indent int, text string) {
	for _, line := range wrap(text, s.width()-indent) {
		s.Line("%*s%s", indent, "", line)
	}
}

// Bold, Faint and Good return text as it is drawn where the screen has colours, else unchanged.
func (s Screen) Bold(text string) string  { return s.paint("1", text) }
func (s Screen) Faint(text string) string { return s.paint("38;5;245", text) }
func (s Screen) Good(text string) string  { return s.paint(tones[3], text) }

// tones are the colours of the four bands, from low to high: one hue, from grey to light.
var tones = [4]string{"38;5;240", "38;5;66", "38;5;37", "38;5;43"}

// Band paints text in the colour of a band.
func (s Screen) Band(band int, text string) string {
	if band < 0 || band > 3 {
		return text
	}
	return s.paint(tones[band], text)
}

func (s Screen) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Number writes a count with its thousands apart: 1,234,567.
func Number[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Count writes a number and what it counts: "1 member", "2 members".
func Count[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + one + "s"
}

// Percent writes a share: 24 %, and 0.4 % where whole numbers would say too little.
func Percent(share float64) string {
	percent := share * 100
	if percent > 0 && percent < 9.95 && strconv.FormatFloat(percent, 'f', 1, 64) != strconv.FormatFloat(percent, 'f', 0, 64)+".0" {
		return strconv.FormatFloat(percent, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(percent, 'f', 0, 64) + " %"
}

// bar draws a share of a width, exact to an eighth of a column; what is not nothing shows at least that.
func bar(share float64, width int) string {
	eighths := int(share*float64(width)*8 + 0.5)
	if share > 0 && eighths == 0 {
		eighths = 1
	}
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}

// pad fills text up with spaces: to the left when width is negative.
func pad(text string, width int) string {
	missing := strings.Repeat(" ", max(0, max(width, -width)-utf8.RuneCountInString(text)))
	if width < 0 {
		return missing + text
	}
	return text + missing
}

// short cuts a text that is too long, with an ellipsis.
func short(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
