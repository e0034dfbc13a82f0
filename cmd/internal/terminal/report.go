package terminal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kindred/pipeline/selection"
	"kindred/schemas"
)

// Report draws what a run found: its size, its bands, its reach, what tells the members apart, and how good it is.
func (s Screen) Report(name, id string, definition *schemas.Definition, report *schemas.Report) {
	s.Heading(name, id)
	s.Say(Size(definition, report))
	tried := report.Difference != nil
	if report.Counts.HeldOut > 0 {
		s.Say("Those held out, by lot, are no members: compared with these, they tell what the segment is worth.")
		if !tried {
			s.Say("→ try: kindred members " + id + " --holdout")
		}
	}
	if moved := Movement(report.Counts); moved != "" {
		s.Say(moved)
	}
	if tried {
		s.Say(WouldMove(report.Difference))
	}
	if lost := KeptOut(report.Lost); lost != "" {
		s.Say(lost)
	}
	s.bands(report)
	if tried {
		s.difference(report.Difference)
	}
	s.reach(definition, report)
	s.fields(report.Fields)
	s.crosses(report.Crosses)
	if tried {
		s.everyField(report.Fields)
	}
	s.quality(&report.Quality)
	s.warnings(report.Warnings)
	s.Line("")
}

// Heading begins what is about an expansion.
func (s Screen) Heading(name, id string) {
	name, id = clean(name), clean(id)
	if room := s.Width - 2 - 3; columns(name)+columns(id) > room {
		name = s.fit(name, max(room/2, room-columns(id)))
		id = s.fit(id, room-columns(name))
	}
	s.Line("\n  %s   %s", s.Bold(name), s.Faint(id))
}

// Size says in a sentence how many members a run found, among whom, and learned from how many.
func Size(definition *schemas.Definition, report *schemas.Report) string {
	counts := report.Counts
	if counts.Candidates == 0 {
		return fmt.Sprintf("No members: nobody is left as a candidate. Learned from %s.", Count(counts.SourceWithProfile, "source member"))
	}
	if counts.Similar == 0 {
		return fmt.Sprintf("No members: none of %s is similar enough. Learned from %s.",
			Count(counts.Candidates, "candidate"), Count(counts.SourceWithProfile, "source member"))
	}
	text := Count(counts.Members, "member")
	if counts.HeldOut > 0 {
		text += " and " + Number(counts.HeldOut) + " held out"
	}
	text += reached(definition, &counts) +
		fmt.Sprintf(", learned from %s.", Count(counts.SourceWithProfile, "source member"))
	if definition != nil && definition.Count > counts.Similar {
		text += " There are no more that are similar enough."
	}
	return text
}

// reached says how the members are chosen: the best of how many of whom. The presets differ in that.
func reached(d *schemas.Definition, counts *schemas.Counts) string {
	similar, candidates := Number(counts.Similar)+" similar customers", Count(counts.Candidates, "candidate")
	switch {
	case d == nil:
		return " of " + similar + " among " + candidates
	case d.Count > 0:
		return ": the best " + Number(d.Count) + " of " + similar + " among " + candidates
	case !selection.PresetOf(d).ShareOfCandidates && d.Share < 1:
		return ": the best " + Percent(d.Share) + " of " + similar + " among " + candidates
	case !selection.PresetOf(d).ShareOfCandidates:
		return ": all of " + similar + " among " + candidates
	case counts.Chosen() == counts.Similar:
		return ": all of " + similar + ", who are no more than " + Percent(d.Share) + " of " + candidates
	}
	return ": the best " + Percent(d.Share) + " of " + candidates + ", of whom " + Number(counts.Similar) + " are similar"
}

// Movement says how many entered, left and changed in a run; empty: nobody.
func Movement(counts schemas.Counts) string {
	var parts []string
	for _, part := range []struct {
		count int64
		what  string
	}{{counts.Entered, "entered"}, {counts.Left, "left"}, {counts.Changed, "changed"}} {
		if part.count > 0 {
			parts = append(parts, Number(part.count)+" "+part.what)
		}
	}
	if parts == nil {
		return ""
	}
	return "In this run " + strings.Join(parts, ", ") + "."
}

// KeptOut says who are no members, by the first rule that keeps them out; empty: nobody, or it is not known.
func KeptOut(l *schemas.Lost) string {
	if l == nil {
		return ""
	}
	var parts []string
	for _, part := range []struct {
		count int64
		what  string
	}{
		{l.NoConsent, "without consent"}, {l.NotCandidate, "not in the candidate segment"}, {l.Source, "in the source"},
		{l.Suppressed, "suppressed"}, {l.BelowFloor, "below the floor"}, {l.BelowCut, "below the cut"},
	} {
		if part.count > 0 {
			parts = append(parts, Number(part.count)+" "+part.what)
		}
	}
	if parts == nil {
		return ""
	}
	return "Kept out, each by the first rule that does: " + strings.Join(parts, ", ") + "."
}

// bands draws a bar for each band, the best on top: all candidates light, the members among them full.
func (s Screen) bands(report *schemas.Report) {
	if len(report.Distribution) == 0 {
		return
	}
	most := int64(1)
	for _, band := range report.Distribution {
		most = max(most, band.Candidates)
	}
	heldOut := func(text string) string { // a column for those who are held out, where there are any
		if report.Counts.HeldOut == 0 {
			return ""
		}
		return pad(text, -12)
	}
	left := 17 + 2 + 11 + 12 + 12 + columns(heldOut("")) + 2 // name, range, counts, gaps
	room := s.width() - 2 - left
	s.Title("Similarity", "")
	s.Line("  %s%s%s", strings.Repeat(" ", 30), s.Faint(pad("candidates", -12)), s.Faint(pad("members", -12)+heldOut("held out")))
	for i := len(report.Distribution) - 1; i >= 0; i-- {
		band := report.Distribution[i]
		full := bar(float64(band.Members)/float64(most), room)
		rest := bar(float64(band.Candidates)/float64(most), room)
		rest = strings.Repeat("░", max(0, columns(rest)-columns(full)))
		s.Line("  %s  %s%s%s  %s%s", s.Band(i, pad(band.Band, 17)), s.Faint(pad(span(band), 11)),
			pad(Number(band.Candidates), -12), pad(Number(band.Members), -12)+heldOut(Number(band.HeldOut)), s.Band(i, full), s.Band(i, rest))
	}
}

func span(band schemas.BandCount) string {
	return fmt.Sprintf("%.2f – %.2f", band.From, band.To)
}

// reach draws how many candidates have at least a score, for every score.
func (s Screen) reach(definition *schemas.Definition, report *schemas.Report) {
	if len(report.Reach) != 101 || report.Reach[0] == 0 {
		return
	}
	const height, columns = 7, 51
	most := report.Reach[0]
	label := max(len(Number(most)), 6)
	s.Title("Reach", "candidates with at least this score")
	for row := height; row >= 1; row-- {
		axis := pad("", label) + " │"
		if row == height {
			axis = pad(Number(most), -label) + " ┤"
		} else if row == (height+1)/2 {
			axis = pad(Number(most/2), -label) + " ┤"
		}
		s.Line("  %s%s", s.Faint(axis), s.reachRow(report, row, height, columns))
	}
	s.Line("  %s", s.Faint(pad("0", -label)+" └"+strings.Repeat("─", columns-1)))
	s.Line("  %s", s.Faint(pad("", label+2)+pad("0", 12)+pad("0.25", 13)+pad("0.5", 12)+pad("0.75", 13)+"1"))
	s.marks(definition, report, label+2)
}

// reachRow draws one row of the curve, from the bottom counted from 1. What is above the cut is painted.
func (s Screen) reachRow(report *schemas.Report, row, height, columns int) Painted {
	steps := []rune(" ▁▂▃▄▅▆▇█")
	below, above := "", ""
	for column := range columns {
		share := float64(report.Reach[column*2]) / float64(report.Reach[0])
		eighths := int(share*float64(height*8)+0.5) - (row-1)*8
		if share > 0 && row == 1 {
			eighths = max(eighths, 1) // few, but some
		}
		step := string(steps[min(max(eighths, 0), 8)])
		if report.Counts.Chosen() > 0 && float64(column)/50 >= report.Cut-1e-9 {
			above += step
		} else {
			below += step
		}
	}
	return s.Band(1, strings.TrimRight(below, " ")) + Painted(gap(below, above)) + s.Band(3, strings.TrimRight(above, " "))
}

// gap keeps the spaces that end below when something follows them.
func gap(below, above string) string {
	if strings.TrimRight(above, " ") == "" {
		return ""
	}
	return strings.Repeat(" ", columns(below)-columns(strings.TrimRight(below, " ")))
}

// marks writes the floor and the cut under the curve, where they lie.
func (s Screen) marks(definition *schemas.Definition, report *schemas.Report, indent int) {
	mark := func(score float64, text Painted) {
		at := indent + int(score*50+0.5)
		s.Line("  %s%s", strings.Repeat(" ", at), s.Faint("▲ ")+text)
	}
	if definition != nil && definition.Floor > 0 {
		mark(definition.Floor, s.Faint(fmt.Sprintf("floor %.2f", definition.Floor)))
	}
	if report.Counts.Chosen() > 0 {
		mark(report.Cut, Painted(fmt.Sprintf("cut %.4f", report.Cut)))
	}
}

// fields draws the fields of most influence, then names those that were left out, and why.
func (s Screen) fields(fields []schemas.FieldReport) {
	telling, silent := ByInfluence(fields)
	if len(telling)+len(silent) == 0 {
		return
	}
	s.telling(telling)
	if silent := Silent(silent); silent != "" {
		s.Say(silent)
	}
	if left := leftOut(fields); left != "" {
		s.Say(left)
	}
}

// telling draws the fields of most influence.
func (s Screen) telling(fields []schemas.FieldReport) {
	if len(fields) == 0 {
		return
	}
	s.Title("What tells them apart", fmt.Sprintf("influence of %s", Count(len(fields), "field")))
	top := fields[:min(len(fields), 6)]
	name := 0
	for _, field := range top {
		name = max(name, min(columns(field.Name), 28))
	}
	for _, field := range top {
		s.Line("  %s  %s  %s", pad(short(field.Name, 28), name), pad(Percent(field.Influence), -6),
			s.Band(2, bar(field.Influence/top[0].Influence, 30)))
		s.speaking("for", field.For)
		s.speaking("against", field.Against)
	}
}

// ByInfluence returns the fields that were learned from, those of most influence first, and apart from them those whose influence
// would be written as 0 %.
func ByInfluence(fields []schemas.FieldReport) (telling, silent []schemas.FieldReport) {
	for _, f := range fields {
		switch {
		case f.Used && Percent(f.Influence) != Percent(0):
			telling = append(telling, f)
		case f.Used:
			silent = append(silent, f)
		}
	}
	slices.SortStableFunc(telling, func(a, b schemas.FieldReport) int {
		return cmp.Or(cmp.Compare(b.Influence, a.Influence), strings.Compare(a.Name, b.Name))
	})
	return telling, silent
}

// Silent names the fields that were learned from and tell nothing; empty: there are none.
func Silent(fields []schemas.FieldReport) string {
	if len(fields) == 0 {
		return ""
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return "Learned from, and of no influence: " + strings.Join(few(names), ", ") + "."
}

// few returns names of which only the first are told where they are many.
func few(names []string) []string {
	if len(names) <= 4 {
		return names
	}
	return append(slices.Clone(names[:3]), fmt.Sprintf("%d more", len(names)-3))
}

// crosses draws what only shows in combinations of fields.
func (s Screen) crosses(crosses []schemas.CrossReport) {
	if len(crosses) == 0 {
		return
	}
	s.Title("What only shows together", "influence of "+Count(len(crosses), "combination"))
	for _, c := range crosses[:min(len(crosses), 4)] {
		s.Line("  %s  %s", short(strings.Join(c.Fields, ", "), 60), s.Faint(Percent(c.Influence)))
		s.speaking("for", c.For)
		s.speaking("against", c.Against)
	}
}

// speaking writes which values speak for a customer, or against.
func (s Screen) speaking(direction string, values []schemas.ValueReport) {
	var words []string
	for _, v := range Speaking(values) {
		words = append(words, fmt.Sprintf("%s %s (%s)", v.Value, Odds(v.Lift), Number(v.Customers)))
	}
	if words != nil {
		s.Indented(4, direction+": "+strings.Join(words, ", "))
	}
}

// Speaking returns the values that speak for a customer or against.
func Speaking(values []schemas.ValueReport) []schemas.ValueReport {
	return slices.DeleteFunc(slices.Clone(values), func(v schemas.ValueReport) bool { return !Raises(v.Lift) && !Lowers(v.Lift) })
}

// Raises and Lowers report whether odds that are multiplied so are worth telling.
func Raises(lift float64) bool { return lift >= 1.05 }
func Lowers(lift float64) bool { return lift <= 1/1.05 }

// Odds writes what the odds are multiplied by: ×2.3, ×0.43.
func Odds(lift float64) string {
	if lift >= 10 {
		return "×" + strconv.FormatFloat(lift, 'f', 0, 64)
	}
	return "×" + strconv.FormatFloat(lift, 'g', 2, 64)
}

// reasons describe in words why a field was not used.
var reasons = map[string]string{
	"type":        "not a category",
	"cardinality": "too few or too many values",
	"coverage":    "hardly anybody has it",
	"sensitive":   "sensitive",
	"leak":        "gives the source away",
	"overflow":    "too many values",
	"not_asked":   "not asked for",
}

// Reason returns the words for a reason, or the reason itself if there are none.
func Reason(code string) string {
	if words, ok := reasons[code]; ok {
		return words
	}
	return code
}

func leftOut(fields []schemas.FieldReport) string {
	var reasonsFound []string
	names := map[string][]string{}
	for _, field := range fields {
		if field.Used {
			continue
		}
		reason := Reason(field.Reason)
		if names[reason] == nil {
			reasonsFound = append(reasonsFound, reason)
		}
		names[reason] = append(names[reason], field.Name)
	}
	var parts []string
	for _, reason := range reasonsFound {
		part := strings.Join(few(names[reason]), ", ")
		if reason != "" {
			part += " (" + reason + ")"
		}
		parts = append(parts, part)
	}
	if parts == nil {
		return ""
	}
	return "Left out: " + strings.Join(parts, "; ") + "."
}

// Grade returns how good a fit is, in words.
func Grade(quality *schemas.Quality) string {
	if quality.Holdout == 0 {
		return "not measured"
	}
	return quality.Grade
}

// quality draws the grade, then the figures that it stands for.
func (s Screen) quality(quality *schemas.Quality) {
	s.Title("Quality", Grade(quality))
	if quality.Holdout == 0 {
		s.Say("There were too few customers to measure how well the source is told from everybody else.")
		return
	}
	interval := ""
	if quality.AUCHigh > 0 { // earlier reports have none
		interval = fmt.Sprintf(" (%.3f to %.3f)", quality.AUCLow, quality.AUCHigh)
	}
	s.Say(fmt.Sprintf("The best 20 %% of the candidates hold %s of the source members that the measured fit had not seen, "+
		"%.1f times as many as chance would. AUC %.3f%s, measured on %s.",
		Percent(quality.RecallAt20), quality.LiftAt20, quality.AUC, interval, Count(quality.Holdout, "source member")))
	var lifts []string
	for i := len(quality.BandLift) - 1; i >= 0; i-- {
		if lift := quality.BandLift[i]; lift > 0 {
			text := fmt.Sprintf("%s %s", schemas.BandNames[i], Times(lift))
			if promise := quality.BandPromise[i]; promise > 0 {
				text += " (" + Times(promise) + ")"
			}
			lifts = append(lifts, text)
		}
	}
	if lifts != nil {
		s.Say("How often as frequent among them as among the candidates (and as the scores say): " + strings.Join(lifts, ", ") + ".")
	}
}

// Times writes how many times as frequent something is: 2.3×, 12×.
func Times(lift float64) string {
	if lift < 10 {
		return fmt.Sprintf("%.1f×", lift)
	}
	return fmt.Sprintf("%.0f×", lift)
}

func (s Screen) warnings(warnings []schemas.Warning) {
	if len(warnings) == 0 {
		return
	}
	s.Title("Worth knowing", "")
	for _, warning := range warnings {
		s.Say("- " + warning.Message)
		if warning.Hint != "" {
			s.Say("→ try: " + warning.Hint)
		}
	}
}
