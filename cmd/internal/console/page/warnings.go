package page

import "kindred/schemas"

// warning is something worth knowing, and the way out: here, where there is one, else as the run has said it.
type warning struct {
	Message  string
	Way      string
	To, Link string // where to take it; empty: nowhere in the console
}

// warningOf puts a warning of a run into the words of the console. edit is where what was asked for can be changed.
func warningOf(w *schemas.Warning, id, edit string) warning {
	found := warning{Message: w.Message, Way: w.Hint}
	if way, known := ways[w.Code]; known {
		found.Way = way
	}
	switch w.Code {
	case "rule_field", "protected_fields", "many_ties", "nobody_similar", "fewer_than_asked", "no_candidates", "source_elsewhere":
		found.To, found.Link = edit, "Change it"
	case "unusual_size", "unusual_scores":
		found.To, found.Link = at("/runs", "id", id), "See its runs"
	case "drift", "chance", "mixed_types", "field_lost", "leak":
		found.To, found.Link = "/fields", "See the fields"
	}
	return found
}

// ways are ways out that the run says in the words of the command line.
var ways = map[string]string{
	"drift":                    "look first whether a load went wrong; then refresh, which learns from the profiles as they are now",
	"rule_field":               "tick the other fields only",
	"protected_fields":         "look whether they may decide whom you address; if not, tick the other fields only, or have them declared sensitive",
	"many_ties":                "learn from more fields, or end between two scores by another share or number",
	"nobody_similar":           "let customers count as similar from a lower score, or look which fields were used",
	"fewer_than_asked":         "let customers count as similar from a lower score",
	"no_candidates":            "take other candidates, suppress fewer segments, or let members of the source in",
	"source_elsewhere":         "read the quality with care, or take candidates that are like the source",
	"derived_source":           "to reach more of those alike, rather take a larger share of the expansion that is the source",
	"chance":                   "take a larger source, or fields that tell these customers from others",
	"unusual_size":             "look whether profiles or segments have changed as they should",
	"unusual_scores":           "look whether profiles or segments have changed as they should",
	schemas.CodeShrink:         "if that is right, let it fail and then refresh all the same",
	schemas.CodeNothingLearned: "look whether profiles or members of the source are missing; if that is right, refresh all the same",
}
