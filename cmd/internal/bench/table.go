package bench

import (
	"fmt"
	"math"
	"strings"

	"kindred/cmd/internal/terminal"
)

// Rows returns the figures as a table, with a heading for each column; "#" marks one of numbers.
func (r *Report) Rows() (headings []string, rows [][]string) {
	for _, m := range r.Measures {
		name := m.Name
		for _, f := range m.Figures {
			row := []string{name, f.Name, amount(f.Value), f.Unit, "", "", ""}
			if f.Limit != nil {
				row[4], row[5], row[6] = amount(f.Limit.Value), f.ratio(), f.Limit.What
			}
			rows = append(rows, row)
			name = ""
		}
	}
	return []string{"measure", "figure", "#median", "unit", "#limit", "#to limit", "limit"}, rows
}

// Setting describes in one line what was measured on.
func (r *Report) Setting() string {
	return fmt.Sprintf("%s, %d fields, %s, %s changes a second; %s, %d cores, %s; medians of %d",
		terminal.Count(r.Customers, "customer"), r.Fields, terminal.Count(r.Expansions, "expansion"), terminal.Number(r.Rate),
		r.Servers, r.Cores, r.Go, r.Repeat)
}

// Markdown writes the figures as a table of Markdown.
func (r *Report) Markdown() string {
	headings, rows := r.Rows()
	text := r.Setting() + ":\n\n" + markdown(headings, rows)
	for _, m := range r.Measures {
		for _, note := range m.Notes {
			text += "\n" + m.Name + ": " + note + ".\n"
		}
	}
	return text
}

// Markdown writes one table for each axis: how the figures grow along it.
func (g *Growth) Markdown() string {
	var all []string
	for i := range g.Axes {
		a := &g.Axes[i]
		headings, rows := g.Rows(a)
		all = append(all, "By "+a.Name+" ("+a.Setting()+"):\n\n"+markdown(headings, rows))
	}
	return strings.Join(all, "\n")
}

// Rows returns the figures along an axis as a table, with a heading for each column; "#" marks one of numbers.
func (g *Growth) Rows(a *Axis) (headings []string, rows [][]string) {
	headings = []string{"figure", "unit"}
	for _, p := range a.Points {
		headings = append(headings, "#"+short(p.At))
	}
	for _, b := range bands {
		for _, l := range g.measured(b) {
			row := []string{l.name, b.unit}
			for _, p := range a.Points {
				row = append(row, amount(l.of(p.Report)))
			}
			rows = append(rows, append(row, slopeText(a.slope(l))))
		}
	}
	return append(headings, "#slope"), rows
}

// Setting describes what stays as it is along the axis.
func (a *Axis) Setting() string {
	r := a.Points[0].Report
	var fixed []string
	for _, one := range []struct {
		of string
		n  int
	}{{"customer", r.Customers}, {"field", r.Fields}, {"expansion", r.Expansions}} {
		if one.of+"s" != a.Name {
			fixed = append(fixed, terminal.Count(one.n, one.of))
		}
	}
	return strings.Join(fixed, ", ") + "; " + r.Servers
}

func slopeText(slope float64) string {
	if math.IsNaN(slope) || math.IsInf(slope, 0) {
		return ""
	}
	return fmt.Sprintf("%.2f", math.Round(slope*100)/100+0) // no -0.00
}

func markdown(headings []string, rows [][]string) string {
	var text strings.Builder
	var rule []string
	plain := make([]string, len(headings))
	for i, heading := range headings {
		plain[i] = strings.TrimPrefix(heading, "#")
		if plain[i] != heading {
			rule = append(rule, "--:")
		} else {
			rule = append(rule, "---")
		}
	}
	for _, row := range append([][]string{plain, rule}, rows...) {
		text.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return text.String()
}

// amount writes a number with three significant digits, and whole numbers in full.
func amount(value float64) string {
	switch abs := math.Abs(value); {
	case abs >= 1000:
		return terminal.Number(int64(math.Round(value)))
	case abs >= 100:
		return fmt.Sprintf("%.0f", value)
	case abs >= 10:
		return fmt.Sprintf("%.1f", value)
	case abs >= 1:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.3f", value)
}

// short writes a size: 0.1 M, 100, 20.
func short(n int) string {
	if n < 100_000 {
		return terminal.Number(n)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1e6), ".0") + " M"
}

// ratio writes how a figure compares with its limit: a share of what is possible, or how many times what is needed.
func (f *Figure) ratio() string {
	if f.Unit == PerSecond || f.Unit == PerCore {
		return terminal.Percent(f.Limit.Ratio)
	}
	return fmt.Sprintf("%.1f x", f.Limit.Ratio)
}
