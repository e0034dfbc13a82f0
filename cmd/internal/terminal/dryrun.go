package terminal

import (
	"slices"
	"strings"

	"kindred/schemas"
)

// WouldMove says whom a dry run would have moved.
func WouldMove(d *schemas.Difference) string {
	if d.Entered+d.Left+d.Changed == 0 {
		return "A dry run: nothing was published. It would move nobody."
	}
	return "A dry run: nothing was published. " + Number(d.Entered) + " would enter, " + Number(d.Left) + " would leave, " +
		Number(d.Changed) + " would change."
}

// difference lists whom a dry run would have moved by band, the best on top.
func (s Screen) difference(d *schemas.Difference) {
	if d.Entered+d.Left+d.Changed == 0 {
		return
	}
	s.Title("Difference", "from what is published")
	var rows [][]string
	for _, b := range slices.Backward(d.Bands) {
		rows = append(rows, []string{b.Band, Number(b.Entered), Number(b.Left), Number(b.Changed)})
	}
	s.Table([]string{"", "#would enter", "#would leave", "#would change"}, rows)
}

// everyField lists all fields by name, each with its influence or why it is left out.
func (s Screen) everyField(fields []schemas.FieldReport) {
	if len(fields) == 0 {
		return
	}
	s.Title("Fields", "")
	sorted := slices.SortedFunc(slices.Values(fields), func(a, b schemas.FieldReport) int { return strings.Compare(a.Name, b.Name) })
	var rows [][]string
	for _, f := range sorted {
		use := "influence " + Percent(f.Influence)
		if !f.Used {
			use = "left out: " + Reason(f.Reason)
		}
		values := Number(f.Distinct)
		if f.Distinct >= 255 {
			values = "255+"
		}
		rows = append(rows, []string{short(f.Name, 28), short(f.Type, 20), values, Percent(f.Coverage), use})
	}
	s.Table([]string{"field", "type", "#values", "#have it", "use"}, rows)
}
