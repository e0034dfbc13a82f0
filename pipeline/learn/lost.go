package learn

import (
	"fmt"
	"strings"

	"kindred/pipeline/field"
	"kindred/schemas"
)

// leastLost is the influence, 0 to 1, that a field must have had for its loss to be told.
const leastLost = 0.05

// lostWarnings warns of fields that spoke in the last model and are lost since then: most of their holders have them no more, so
// that members left as profiles came, without any run; or they can no longer be learned from. What somebody decided is no loss.
func (r *run) lostWarnings(now []schemas.FieldReport) []schemas.Warning {
	if r.Before == nil {
		return nil
	}
	byName := make(map[string]*schemas.FieldReport, len(now))
	for i := range now {
		byName[now[i].Name] = &now[i]
	}
	var lost []string
	for i := range r.Before.Fields {
		before := &r.Before.Fields[i]
		if !before.Used || before.Influence < leastLost {
			continue
		}
		became := byName[before.Name]
		if became == nil {
			became = &schemas.FieldReport{} // nobody has it
		}
		var how string
		switch {
		case became.Coverage < before.Coverage/2:
			how = fmt.Sprintf("%s of the customers have it, %s had", percent(became.Coverage), percent(before.Coverage))
		case became.Used, became.Reason == field.NotAsked, became.Reason == field.Sensitive:
			continue
		default:
			how = "left out now: " + became.Reason
		}
		lost = append(lost, fmt.Sprintf("%s (%s of the influence then; %s)", field.Named(before.Name), percent(before.Influence), how))
	}
	if len(lost) == 0 {
		return nil
	}
	return []schemas.Warning{{
		Code:    "field_lost",
		Message: "what members were judged by in the last run is lost: " + strings.Join(lost, ", "),
		Hint:    "was a column renamed, left out of a load, or filled with something else? mend it and load again",
	}}
}
