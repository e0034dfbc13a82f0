package learn

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// A rule is the source, nearly: each of its conditions holds for nearly all of the source whom those before it have left, and
// together they leave hardly anybody else. Of real sources, which people are in for many reasons, none is like this.
const (
	mostConditions = 3
	mostValues     = 3    // of one condition
	leastHeld      = 0.97 // of the source
	mostOthers     = 0.05 // of everybody else
	leastLeftOut   = 0.5  // of everybody else whom the conditions before have left
	fewestTold     = 30   // of everybody else: of fewer, chance leaves out as many
)

// condition is that customers have one of some levels of a column.
type condition struct {
	column int
	levels []uint8 // of numbers in their order
}

// ruled is what defines a source, nearly: the shares of the source and of everybody else for whom all conditions hold.
type ruled struct {
	conditions     []condition
	source, others float64
}

// rows are the levels of some customers.
type rows [][]uint8

func rowsOf(samples ...*train.Sample) (all rows) {
	for _, s := range samples {
		for levels := range slices.Chunk(s.Levels(), s.Width) {
			all = append(all, levels)
		}
	}
	return all
}

// count counts the levels of a column.
func (all rows) count(column int) (counts [256]int) {
	for _, levels := range all {
		counts[levels[column]]++
	}
	return counts
}

// fitting returns those for whom a condition holds.
func (all rows) fitting(c *condition) (some rows) {
	var holds [256]bool
	for _, level := range c.levels {
		holds[level] = true
	}
	for _, levels := range all {
		if holds[levels[c.column]] {
			some = append(some, levels)
		}
	}
	return some
}

// ruleOf finds the rule by which a source is defined, with the condition first that leaves the fewest others; nil: there is none.
func ruleOf(columns []field.Column, source, others rows) *ruled {
	found := new(ruled)
	left, kept := others, source
	for len(found.conditions) < mostConditions && len(left) >= fewestTold {
		var next condition
		fewest := len(left)
		for i := range columns {
			if slices.ContainsFunc(found.conditions, func(c condition) bool { return c.column == i }) {
				continue
			}
			inSource, outside := kept.count(i), left.count(i)
			if levels, n := narrowest(&columns[i], &inSource, &outside, int(math.Ceil(leastHeld*float64(len(kept))))); levels != nil && n < fewest {
				next, fewest = condition{i, levels}, n
			}
		}
		if float64(fewest) > (1-leastLeftOut)*float64(len(left)) {
			break
		}
		found.conditions = append(found.conditions, next)
		kept, left = kept.fitting(&next), left.fitting(&next)
	}
	found.source, found.others = float64(len(kept))/float64(len(source)), float64(len(left))/float64(len(others))
	if found.conditions == nil || found.others > mostOthers {
		return nil
	}
	return found
}

// narrowest returns the levels that hold for at least so many of the source, and for the fewest others: a range of a number, or a
// few values. Nil: there are none.
func narrowest(c *field.Column, source, others *[256]int, least int) (best []uint8, fewest int) {
	try := func(levels []uint8) bool {
		held, n := 0, 0
		for _, level := range levels {
			held, n = held+source[level], n+others[level]
		}
		if held >= least && (best == nil || n < fewest) {
			best, fewest = slices.Clone(levels), n
		}
		return held >= least
	}
	present := ascending(c)
	if c.Numbers {
		for from := range present {
			for to := from; to < len(present) && !try(present[from:to+1]); to++ {
			}
		}
		present = present[:0]
	}
	if c.Absent != field.None {
		present = append(present, c.Absent)
	}
	slices.SortStableFunc(present, func(a, b uint8) int { return cmp.Compare(source[b], source[a]) })
	for n := 1; n <= min(mostValues, len(present)) && !try(present[:n]); n++ {
	}
	return best, fewest
}

// ascending returns the levels of having a value, those of numbers in the numbers' order.
func ascending(c *field.Column) []uint8 {
	levels := make([]uint8, 0, c.Levels())
	for level := range c.Levels() {
		if level != int(c.Absent) {
			levels = append(levels, uint8(level))
		}
	}
	if c.Numbers && c.Bounds == nil {
		number := func(level uint8) float64 { n, _ := format.Number(c.Values[level]); return n }
		slices.SortFunc(levels, func(a, b uint8) int { return cmp.Compare(number(a), number(b)) })
	}
	return levels
}

// Codes of the warnings of a source that is made by fields which are used.
const (
	codeSourceRule = "source_rule"
	codeRuleField  = "rule_field"
)

// ruleWarnings warns of a source that is defined by fields which are used: an expansion then finds those who fit the rule, whom
// one could have had without it. Of a model that was recalled it warns as then.
func (r *run) ruleWarnings() (warnings []schemas.Warning) {
	if r.recalled {
		return slices.DeleteFunc(slices.Clone(r.Last.Report.Warnings), func(w schemas.Warning) bool {
			return w.Code != codeSourceRule && w.Code != codeRuleField
		})
	}
	leaveOut := slices.Clone(r.choice.Ruled)
	if r.rule != nil {
		var words []string
		for i := range r.rule.conditions {
			c := &r.rule.conditions[i]
			words = append(words, r.inWords(c))
			leaveOut = append(leaveOut, r.choice.Columns[c.column].Name)
		}
		return []schemas.Warning{{
			Code: codeSourceRule,
			Message: fmt.Sprintf("the source is nearly a rule over fields that are used: %s holds for %s of it and for %s of everybody else. "+
				"An expansion finds hardly anybody but those who fit it", strings.Join(words, " and "), percent(r.rule.source), percent(r.rule.others)),
			Hint: "use the rule itself, or leave its fields out and " + r.nameOthers(leaveOut),
		}}
	}
	for _, name := range r.choice.Ruled {
		warnings = append(warnings, schemas.Warning{
			Code: codeRuleField,
			Message: fmt.Sprintf("the source segment looks as if defined by field %s: "+
				"hardly any of its members has the values that many others have", field.Named(name)),
			Hint: r.nameOthers(leaveOut),
		})
	}
	return warnings
}

// inWords says a condition: City = Oslo or Bergen, Age = 18 to 29.
func (r *run) inWords(c *condition) string {
	column := &r.choice.Columns[c.column]
	name := field.Named(column.Name) + " = "
	first, last := c.levels[0], c.levels[len(c.levels)-1]
	switch {
	case column.Bounds != nil && first != column.Absent:
		from, _ := r.model.Fields[c.column].Range(int(first))
		_, to := r.model.Fields[c.column].Range(int(last))
		return name + format.Range(from, to, r.whole(c.column))
	case column.Numbers && len(c.levels) > 1:
		return name + r.word(c.column, int(first), false) + " to " + r.word(c.column, int(last), false)
	}
	var words []string
	for _, level := range slices.Sorted(slices.Values(c.levels)) {
		words = append(words, schemas.Shorten(r.word(c.column, int(level), false), longestInRule))
	}
	return name + strings.Join(words, " or ")
}

const longestInRule = 60 // bytes of a value in words

// percent writes a share: 98 %, 0.4 %.
func percent(share float64) string {
	share *= 100
	if share >= 10 || share == 0 {
		return fmt.Sprintf("%.0f %%", share)
	}
	return fmt.Sprintf("%.2g %%", share)
}
