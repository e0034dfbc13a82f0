package terminal

import "strings"

// Table draws rows in columns as wide as they need to be; on a terminal that is narrower, the widest texts are shortened: in
// the middle, those of the last column at their ends. A column whose heading begins with "#" holds numbers, which stand to the
// right and stay whole.
func (s Screen) Table(headings []string, rows [][]string) {
	drawn := make([][]string, 0, len(rows)+1)
	plain := make([]string, len(headings))
	for i, heading := range headings {
		plain[i] = strings.TrimPrefix(heading, "#")
	}
	drawn = append(drawn, plain)
	for _, row := range rows {
		cleaned := make([]string, len(row))
		for i, cell := range row {
			cleaned[i] = clean(cell)
		}
		drawn = append(drawn, cleaned)
	}
	widths := make([]int, len(headings))
	for _, row := range drawn {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	s.narrow(headings, widths)
	for i, row := range drawn {
		var line strings.Builder
		for column, cell := range row {
			width := widths[column]
			if isNumber(headings[column]) {
				width = -width
			} else if column < len(row)-1 {
				cell = s.fit(cell, width)
			} else {
				cell = short(cell, width)
			}
			line.WriteString("  " + pad(cell, width))
		}
		text := strings.TrimRight(line.String(), " ")
		if i == 0 {
			s.Line("%s", s.Faint(text))
		} else {
			s.Line("%s", text)
		}
	}
}

// narrow takes columns from the widest texts until a row fits the terminal.
func (s Screen) narrow(headings []string, widths []int) {
	if !s.IsTerminal() {
		return
	}
	over := -s.Width
	for _, width := range widths {
		over += 2 + width
	}
	for ; over > 0; over-- {
		widest := -1
		for i, width := range widths {
			if !isNumber(headings[i]) && width > narrowest && (widest < 0 || width > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return // it cannot be narrower
		}
		widths[widest]--
	}
}

func isNumber(heading string) bool { return strings.HasPrefix(heading, "#") }
