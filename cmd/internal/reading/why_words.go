package reading

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// Reason is what one field, or a cross of some, adds to a score beside other customers.
type Reason struct {
	Field string  `json:"field"` // of a cross: all of them
	Value string  `json:"value"` // in words
	Lift  float64 `json:"lift"`  // by how much the odds of being like the source are multiplied
}

// Change is another value of one field, with which the customer would be a member.
type Change struct {
	Field string  `json:"field"`
	Value string  `json:"value"` // in words
	Score float64 `json:"score"` // with it
}

// words puts into words what a model finds.
type words struct {
	model  *model.Model
	report *schemas.Report // of the run that fitted it; its types say which numbers are whole
}

func (w words) reasons(found []model.Reason) []Reason {
	lines := make([]Reason, len(found))
	for i := range found {
		r := &found[i]
		lines[i] = Reason{r.About(), w.value(r), math.Exp(float64(r.Weight) / model.One)}
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

// mostBringing is how many changes are named that would bring a customer in.
const mostBringing = 3

// bringing returns the single changes of value that reach the cut: of each field the one that needs least, of a number the
// nearest. The lowest scores come first.
func (w words) bringing(account *model.Account, row []byte, expansion, customer string) []Change {
	levels := map[string]int{}
	for _, r := range account.Reasons(row) {
		levels[r.Field] = r.Level
	}
	far := func(c model.Change) int { // levels away; a category has none
		if levels[c.Field] < 0 || c.Level < 0 {
			return 0
		}
		return max(c.Level-levels[c.Field], levels[c.Field]-c.Level)
	}
	nearest := map[string]model.Change{}
	for _, c := range account.Changes(row) {
		if !w.model.Reaches(c.Score, expansion, []byte(customer)) {
			continue
		}
		if known, is := nearest[c.Field]; !is || cmp.Or(cmp.Compare(far(c), far(known)), cmp.Compare(c.Score, known.Score)) < 0 {
			nearest[c.Field] = c
		}
	}
	lines := []Change{}
	for _, c := range nearest {
		value := format.Words(c.Value)
		if c.Level >= 0 {
			value = w.span(c.Field, c.Level)
		}
		lines = append(lines, Change{c.Field, value, Score(c.Score)})
	}
	slices.SortFunc(lines, func(a, b Change) int { return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Field, b.Field)) })
	return lines[:min(len(lines), mostBringing)]
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
