package learn

import (
	"fmt"
	"slices"
	"strings"

	"kindred/pipeline/field"
	"kindred/schemas"
)

// protectedWarnings warns of used fields that seem to tell what laws protect: whether these may decide is for a person to say.
func (r *run) protectedWarnings() []schemas.Warning {
	var names, words []string
	for i := range r.choice.Reports {
		f := &r.choice.Reports[i]
		if what := field.Protected(f.Name, f.Type); f.Used && what != "" {
			names, words = append(names, f.Name), append(words, fmt.Sprintf("%s (%s)", field.Named(f.Name), what))
		}
	}
	if names == nil {
		return nil
	}
	return []schemas.Warning{{
		Code:    "protected_fields",
		Message: "fields are used that seem to tell what laws protect: " + strings.Join(words, ", "),
		Hint: "look whether they may decide whom you address; if not, " + r.nameOthers(names) + "; or declare them sensitive " +
			"(kindred load profiles --sensitive COLUMN), so that nothing ever learns from them",
	}}
}

const mostOffered = 8 // fields

// nameOthers says how to learn from all fields that are used but some.
func (r *run) nameOthers(leaveOut []string) string {
	hint := "name the other fields only:"
	offered := 0
	for i := range r.choice.Columns {
		name := r.choice.Columns[i].Name
		if slices.Contains(leaveOut, name) {
			continue
		}
		if offered++; offered > mostOffered || strings.ContainsAny(name, "\"$`\\!\n") {
			return "name the other fields only: --field NAME, once for each"
		}
		if strings.ContainsFunc(name, func(r rune) bool { return strings.ContainsRune(" \t'&|;<>()*?[]#~", r) }) {
			name = `"` + name + `"`
		}
		hint += " --field " + name
	}
	if offered == 0 {
		return "name others: no other field is used (kindred fields " + r.Definition.SourceSegmentID + ")"
	}
	return hint
}
