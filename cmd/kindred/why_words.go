package main

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"kindred/cmd/internal/terminal"
	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// reasonLine is what one field, or a cross of some, adds to a score beside other customers.
type reasonLine struct {
	Field string  `json:"field"` // of a cross: all of them
	Value string  `json:"value"` // in words
	Lift  float64 `json:"lift"`  // by how much the odds of being like the source are multiplied
}

// changeLine is another value of one field, with which the customer would be a member.
type changeLine struct {
	Field string  `json:"field"`
	Value string  `json:"value"` // in words
	Score float64 `json:"score"` // with it
}

// words puts into words what a model finds.
type words struct {
	model  *model.Model
	report *schemas.Report // of the run that fitted it; its types say which numbers are whole
}

func (w words) reasons(found []model.Reason) []reasonLine {
	lines := make([]reasonLine, len(found))
	for i := range found {
		r := &found[i]
		lines[i] = reasonLine{r.About(), w.value(r), math.Exp(float64(r.Weight) / model.One)}
	}
	return lines
}

// value says what a customer has: Oslo, 41 (35 to 49), Oslo together with gold.
func (w words) value(r *model.Reason) string {
	switch {
	case r.Together != nil:
		var values []string
		for i := range r.Together {
			values = append(values, w.value(&r.Together[i]))
		}
		return strings.Join(values, " together with ")
	case r.Level >= 0 && r.Value != "":
		return fmt.Sprintf("%s (%s)", format.Words(r.Value), w.span(r.Field, r.Level))
	case r.Level >= 0:
		return w.span(r.Field, r.Level)
	case r.Value != "":
		return format.Words(r.Value)
	case r.Absent:
		return format.NoValue
	}
	return "a value that is not kept"
}

// span names the numbers of a level of a field.
func (w words) span(name string, level int) string {
	k := slices.IndexFunc(w.model.Fields, func(f model.Field) bool { return f.Name == name })
	from, to := w.model.Fields[k].Range(level)
	whole := w.report != nil && slices.ContainsFunc(w.report.Fields, func(f schemas.FieldReport) bool { return f.Name == name && field.Whole(f.Type) })
	return format.Range(from, to, whole)
}

// mostChanges is how many changes are named that would bring a customer in.
const mostChanges = 3

// bringing returns the single changes of value that reach the cut: of each field the one that needs least, of a number the
// nearest. The lowest scores come first.
func (w words) bringing(table *model.Table, row []byte, expansion, customer string) []changeLine {
	levels := map[string]int{}
	for _, r := range table.Reasons(row) {
		levels[r.Field] = r.Level
	}
	far := func(c model.Change) int { // levels away; a category has none
		if levels[c.Field] < 0 || c.Level < 0 {
			return 0
		}
		return max(c.Level-levels[c.Field], levels[c.Field]-c.Level)
	}
	nearest := map[string]model.Change{}
	for _, c := range table.Changes(row) {
		if !w.model.Reaches(c.Score, expansion, []byte(customer)) {
			continue
		}
		if known, is := nearest[c.Field]; !is || cmp.Or(cmp.Compare(far(c), far(known)), cmp.Compare(c.Score, known.Score)) < 0 {
			nearest[c.Field] = c
		}
	}
	lines := []changeLine{}
	for _, c := range nearest {
		value := format.Words(c.Value)
		if c.Level >= 0 {
			value = w.span(c.Field, c.Level)
		}
		lines = append(lines, changeLine{c.Field, value, score(c.Score)})
	}
	slices.SortFunc(lines, func(a, b changeLine) int { return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Field, b.Field)) })
	return lines[:min(len(lines), mostChanges)]
}

// sampled returns rows of customers who consent, spread over a shard: what customers are like.
func sampled(view *cache.View) iter.Seq[[]byte] {
	const enough = 2000
	return func(yield func([]byte) bool) {
		for row := 0; row < view.NumRows; row += max(1, view.NumRows/enough) {
			if bytes := view.Row(row); cache.Consents(bytes) && !yield(bytes) {
				return
			}
		}
	}
}

// draw shows an explanation.
func (e *explanation) draw(screen terminal.Screen) {
	screen.Heading(e.Name, e.ExpansionID)
	screen.Say(e.CustomerID + " " + e.Message + ".")
	if e.Score != nil {
		screen.Say(fmt.Sprintf("Score %.4f, %s; floor %v, cut %.4f.", *e.Score, e.Band, e.Floor, e.Cut))
	}
	e.drawReasons(screen, "Raises the score", func(lift float64) bool { return lift >= 1.05 })
	e.drawReasons(screen, "Lowers the score", func(lift float64) bool { return lift <= 1/1.05 })
	if len(e.WouldBring) > 0 {
		screen.Title("Would bring the customer in", "one of these, all else as it is")
		var rows [][]string
		for _, c := range e.WouldBring {
			rows = append(rows, []string{c.Field, c.Value, fmt.Sprintf("%.4f", c.Score)})
		}
		screen.Table([]string{"field", "value", "#score"}, rows)
	}
	e.drawHistory(screen)
	screen.Line("")
}

// drawReasons draws the weightiest reasons of one direction.
func (e *explanation) drawReasons(screen terminal.Screen, title string, is func(lift float64) bool) {
	const most = 6
	var rows [][]string
	for _, r := range e.Reasons {
		if is(r.Lift) && len(rows) < most {
			rows = append(rows, []string{r.Field, r.Value, terminal.Odds(r.Lift)})
		}
	}
	if rows != nil {
		screen.Title(title, "beside other customers")
		screen.Table([]string{"field", "value", "#odds"}, rows)
	}
}
