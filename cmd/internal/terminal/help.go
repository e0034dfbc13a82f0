package terminal

import (
	"regexp"
	"strings"
)

const (
	plainWidth   = 80  // columns of a help text that no terminal shows
	widestHelp   = 100 // columns beyond which nobody reads with ease
	narrowestFit = 40
)

// HelpWidth returns how many columns a help text may take.
func (s Screen) HelpWidth() int {
	if !s.IsTerminal() {
		return plainWidth
	}
	return min(max(s.Width, narrowestFit), widestHelp)
}

// described matches a line that says something beside a name: "  --flag text   what it does".
var described = regexp.MustCompile(`^( +\S(?:.*?\S)?(?:  +|: ))\S`)

// Fold breaks the lines of a help text that are wider than width. What stands beside a name stays there.
func Fold(text string, width int) string {
	var folded []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		for first := true; ; first = false {
			indent := len(line) - len(strings.TrimLeft(line, " "))
			if match := described.FindStringSubmatch(line); first && match != nil && len(match[1]) < width-20 {
				indent = len(match[1])
			}
			at := breakAt(line, width, indent)
			if at < 0 {
				folded = append(folded, line)
				break
			}
			folded = append(folded, strings.TrimRight(line[:at], " "))
			line = strings.Repeat(" ", indent) + strings.TrimLeft(line[at:], " ")
		}
	}
	return strings.Join(folded, "\n") + "\n"
}

// breakAt returns where a line has to be broken behind its indent; -1: it fits, or cannot be broken.
func breakAt(line string, width, indent int) int {
	if columns(line) <= width {
		return -1
	}
	best := -1
	for i := indent + 1; i < len(line); i++ {
		if line[i] != ' ' || line[i-1] == ' ' {
			continue
		}
		if columns(line[:i]) > width {
			if best < 0 {
				best = i
			}
			break
		}
		best = i
	}
	return best
}

// Paragraphs joins the lines of each paragraph to one, so that Fold breaks them anew. Lines that are indented stay.
func Paragraphs(text string) string {
	var b strings.Builder
	before := ""
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case b.Len() == 0:
		case line == "" || before == "" || strings.HasPrefix(line, " ") || strings.HasPrefix(before, " "):
			b.WriteByte('\n')
		default:
			b.WriteByte(' ')
		}
		b.WriteString(line)
		before = line
	}
	return b.String()
}
