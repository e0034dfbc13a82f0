package page

import (
	"cmp"
	"strings"

	"kindred/schemas"
)

// warning is something worth knowing, or why a run failed, and the way out: here, where there is one, else as the run has said it.
type warning struct {
	Message  string
	Way      string
	To, Link string // where to take it; empty: nowhere in the console
}

// warningOf puts a warning of a run into the words of the console. edit is where what was asked for can be changed.
func warningOf(w *schemas.Warning, id, edit string) warning {
	return warning{Message: w.Message}.out(w.Code, w.Hint, id, edit)
}

// refusalOf is warningOf for why a run failed; nil: it has not.
func refusalOf(e *schemas.RunError, id, edit string) *warning {
	if e == nil {
		return nil
	}
	refusal := warning{Message: e.Message}.out(e.Code, e.Hint, id, edit)
	return &refusal
}

// out adds the way out. A run says it for everybody; where it names commands, the console has words of its own.
func (w warning) out(code, hint, id, edit string) warning {
	known := ways[code]
	if w.Way = hint; commands(hint) {
		w.Way = known.words
	}
	switch known.place {
	case theForm:
		w.To, w.Link = edit, "Change it"
	case theFields:
		w.To, w.Link = "/fields", "See the fields"
	case theRuns:
		w.To, w.Link = at("/runs", "id", id), "See its runs"
	case theList:
		w.To, w.Link = "/", "See what there is"
	case theExpansion:
		w.To, w.Link = at("/expansion", "id", id), "See the expansion"
	case theUsers:
		w.To, w.Link = at("/delete", "id", id), "See which they are"
	case theHealth:
		w.To, w.Link = "/health", "See Health"
	}
	return w
}

// commands reports whether a hint is one for the command line.
func commands(hint string) bool {
	return strings.Contains(hint, "--") || strings.Contains(hint, "kindred ")
}

// place is where in the console a way out begins.
type place int

const (
	nowhere place = iota
	theForm       // that asked for the run
	theFields
	theRuns
	theList
	theExpansion
	theUsers // the page that says what is built on the expansion
	theHealth
)

type way struct {
	words string // said in the place of a hint that names commands
	place place
}

const lookForChanges = "look whether profiles or segments have changed as they should"

// ways are the ways out by the code of a warning, or of why a run failed. What is to be done at the source of the data has none.
var ways = map[string]way{
	"chance":           {"take a larger source, or fields that tell these customers from others", theFields},
	"derived_source":   {"to reach more of those alike, rather take a larger share of the expansion that is the source", nowhere},
	"drift":            {"look first whether a load went wrong; then refresh, which learns from the profiles as they are now", theFields},
	"fewer_than_asked": {"let customers count as similar from a lower score", theForm},
	"field_lost":       {"look whether a column was renamed or left out of a load", theFields},
	"leak":             {"look whether it was made from the segment", theFields},
	"many_ties":        {"learn from more fields, or end between two scores by another share or number", theForm},
	"mixed_types":      {"publish all values of a field as the same type", theFields},
	"no_candidates":    {"take other candidates, suppress fewer segments, or let members of the source in", theForm},
	"nobody_similar":   {"let customers count as similar from a lower score, or look which fields were used", theForm},
	"protected_fields": {"look whether they may decide whom you address; if not, tick the other fields only, or have them declared sensitive", theForm},
	"rule_field":       {"tick the other fields only", theForm},
	"source_elsewhere": {"read the quality with care, or take candidates that are like the source", theForm},
	"source_rule":      {"use the rule itself, or tick only fields that are not part of it", theForm},
	"unusual_growth":   {lookForChanges, theRuns},
	"unusual_leave":    {lookForChanges, theRuns},
	"unusual_quality":  {lookForChanges, theRuns},
	"unusual_scores":   {lookForChanges, theRuns},
	"unusual_size":     {lookForChanges, theRuns},

	schemas.CodeExists:           {"choose another id, or edit what has this one", theList},
	schemas.CodeInUse:            {"delete them first, or edit them to use another segment", theUsers},
	schemas.CodeTooLate:          {"wait until the run has ended, then look what is there", theExpansion},
	schemas.CodeNotRunning:       {"look how its last run has ended", theRuns},
	schemas.CodeShrink:           {"look whether profiles or segments are missing; if it is right that so many leave, refresh all the same", theFields},
	schemas.CodeNothingLearned:   {"look whether profiles or members of the source are missing; if that is right, refresh all the same", theFields},
	schemas.CodeSourceTooSmall:   {"wait until more of its members have a profile, or take a larger source", theList},
	schemas.CodeSegmentGone:      {"wait until the segment is published again, or use another one", theForm},
	schemas.CodeUnknownSegment:   {"wait until the segment has been published and has members, or use another one", theList},
	schemas.CodeUnknownExpansion: {"look whether it was deleted, or has never had a successful run; then expand its source anew", theList},
	schemas.CodeUnknownPreset:    {"take another preset, or have the process that controls runs given the one that is meant", theForm},
	schemas.CodeBadField:         {"tick other fields, or fewer", theForm},
	schemas.CodeBadValue:         {"change what was asked for", theForm},
	schemas.CodeCycle:            {"use another segment", theForm},
	schemas.CodeInternal:         {"report it; the log of the process says more", theHealth},
}

// formFor returns where what a run was asked for can be changed: where it was asked for, if that is known, else where the expansion
// is edited, if it is there.
func formFor(id string, there bool, asked string) string {
	if asked == "" && there {
		return at("/edit", "id", id)
	}
	return cmp.Or(asked, "/expand")
}
