// Package terminal draws for people: a report with its bands and its reach, tables of members, progress. Without colours it
// draws the same as plain text. It computes nothing: everything that it shows is in what it is given.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// Screen is where to draw.
type Screen struct {
	W     io.Writer
	Width int  // columns of a terminal; 0: it is none, and is drawn as if it had 80
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
	screen := Screen{W: w, Width: 80, Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		screen.Width = width
	}
	return screen
}

// IsTerminal reports whether a person looks at the screen.
func (s Screen) IsTerminal() bool { return s.Width > 0 }

func (s Screen) width() int {
	switch {
	case !s.IsTerminal():
		return 80
	case s.Width < 60:
		return 60 // narrower than this, lines break where they like
	}
	return min(s.Width, widest)
}

// Line writes one line. What it is given, other than numbers and Painted text, is cleaned: this is the only way to the terminal,
// so that nothing gets there which anybody has hidden in a name.
func (s Screen) Line(format string, arguments ...any) { s.write(format+"\n", arguments...) }

// Ask writes a question and leaves the cursor behind it.
func (s Screen) Ask(question string) { s.write("%s [y/N] ", question) }

func (s Screen) write(format string, arguments ...any) {
	for i := range arguments {
		arguments[i] = shown(arguments[i])
	}
	fmt.Fprintf(s.W, format, arguments...)
}

// Message writes a text that begins with what it is: on a terminal in lines that fit, elsewhere in one.
func (s Screen) Message(text string) {
	if !s.IsTerminal() {
		s.Line("%s", text)
		return
	}
	for i, line := range s.wrap(text, s.width()-2) {
		s.Line("%*s%s", 2*min(i, 1), "", line)
	}
}

// Title writes a heading with a blank line before it.
func (s Screen) Title(text, aside string) {
	if aside != "" {
		aside = "   " + aside
	}
	s.Line("\n  %s%s", s.Bold(text), s.Faint(aside))
}

// Say writes text in lines that fit, each indented by two spaces.
func (s Screen) Say(text string) { s.Indented(2, text) }

// Indented is Say with another indent.
func (s Screen) Indented(indent int, text string) {
	for _, line := range s.wrap(text, s.width()-indent) {
		s.Line("%*s%s", indent, "", line)
	}
}

// Beside writes a label and a text beside it, on a terminal in lines that fit: a value of somebody's is broken, not shortened.
func (s Screen) Beside(label, text string) {
	label, text = clean(label), clean(text)
	lines := []string{text}
	if s.IsTerminal() {
		lines = strings.Split(cells.Wrap(text, s.Width-4-columns(label)), "\n")
	}
	for i, line := range lines {
		if i > 0 {
			label = strings.Repeat(" ", columns(label))
		}
		s.Line("  %s  %s", s.Faint(label), line)
	}
}

// Bold, Faint and Good return text as it is drawn where the screen has colours, else unchanged.
func (s Screen) Bold(text string) Painted  { return s.paint("1", text) }
func (s Screen) Faint(text string) Painted { return s.paint("38;5;245", text) }
func (s Screen) Good(text string) Painted  { return s.paint(tones[3], text) }

// tones are the colours of the four bands, from low to high: one hue, from grey to light.
var tones = [4]string{"38;5;240", "38;5;66", "38;5;37", "38;5;43"}

// Band paints text in the colour of a band.
func (s Screen) Band(band int, text string) Painted {
	if band < 0 || band > 3 {
		return Painted(clean(text))
	}
	return s.paint(tones[band], text)
}

func (s Screen) paint(code, text string) Painted {
	text = clean(text)
	if !s.Color || text == "" {
		return Painted(text)
	}
	return Painted("\x1b[" + code + "m" + text + "\x1b[0m")
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
