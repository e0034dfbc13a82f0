package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// words are what templates call to write facts. Numbers are written as in the terminal and in reports: 1,234,567 and 0.8731.
var words = template.FuncMap{
	"number":  func(n any) string { return number(n) },
	"count":   func(n any, one string) string { return counted(n, one) },
	"percent": terminal.Percent,
	"odds":    terminal.Odds,
	"times":   terminal.Times,
	"grade":   terminal.Grade,
	"reason":  terminal.Reason,
	"band":    terminal.BandNumber,
	"score":   func(score float64) string { return strconv.FormatFloat(score, 'f', 4, 64) },
	"two":     func(score float64) string { return strconv.FormatFloat(score, 'f', 2, 64) },
	"three":   func(score float64) string { return strconv.FormatFloat(score, 'f', 3, 64) },
	"moment":  moment,
	"iso":     func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
	"cause":   func(c schemas.Cause) string { return cmp.Or(causes[c], string(c)) },
	"say":     sentence,
	"plain":   plain,
	"join":    func(all []string) string { return strings.Join(all, ", ") },
	"at":      at,
	"bar":     newBar,
	"len64":   len64,
}

func number(n any) string {
	switch n := n.(type) {
	case int:
		return terminal.Number(n)
	case int64:
		return terminal.Number(n)
	case *int64:
		return terminal.Number(*n)
	}
	return fmt.Sprint(n)
}

func counted(n any, one string) string {
	if text := number(n); text != "1" {
		return text + " " + one + "s"
	}
	return "1 " + one
}

// moment writes a time so that nobody mistakes it: 27 Nov 2026, 02:24 UTC.
func moment(at time.Time) string { return at.UTC().Format("2 Jan 2006, 15:04") + " UTC" }

// sentence makes a sentence of an error's text.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	if word, _, _ := strings.Cut(text, " "); strings.ContainsAny(word, "-_.0123456789") {
		return ended(text) // it begins with an id, which stays as it is
	}
	return ended(string(unicode.ToUpper(first)) + text[size:])
}

func ended(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") {
		return text
	}
	return text + "."
}

// plain writes a value, which is JSON, for people.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// causes say why a run was started.
var causes = map[schemas.Cause]string{
	schemas.CauseExpand: "expand", schemas.CauseEdit: "edit", schemas.CauseRefresh: "refresh", schemas.CauseDataEvent: "data was loaded",
	schemas.CauseSourceChange: "the source changed", schemas.CauseSchedule: "schedule", schemas.CauseCancel: "cancel",
	schemas.CauseRename: "rename", schemas.CauseDelete: "delete",
}

// standing is how something stands, in a word or two, and what that means: good, busy, note, bad, or nothing in particular.
type standing struct {
	Tone string
	Text string
	More string    // why, in a sentence
	At   time.Time // since when, or when it ended
	Run  string    // the run that is meant
}

// standingOf says what an expansion is doing, or else how its last run ended.
func standingOf(e *schemas.Expansion) standing {
	switch {
	case e.Run != nil && e.Run.Committed:
		return standing{Tone: "busy", Text: "publishing", At: e.Run.StartedAt, Run: e.Run.RunID}
	case e.Run != nil:
		return standing{Tone: "busy", Text: tried(e.Run.Request.DryRun, e.Run.Cause) + " under way", At: e.Run.StartedAt, Run: e.Run.RunID}
	case len(e.Pending) > 0:
		return standing{Tone: "busy", Text: "waiting its turn", At: e.Pending[0].At, Run: e.Pending[0].Request.RequestID}
	case e.State == schemas.StateSegmentGone:
		return standing{Tone: "bad", Text: "a segment is gone", More: "A segment that it uses is gone: members stay as they are, runs are refused."}
	case e.LastRun == nil && e.State == schemas.StateNew:
		return standing{Text: "no run yet"}
	case e.LastRun == nil:
		return standing{Tone: "good", Text: "live"}
	}
	last := e.LastRun
	found := standing{Tone: "good", Text: "live", At: last.EndedAt, Run: last.RunID}
	if last.Status != schemas.Successful {
		found.Tone, found.Text = "bad", cmp.Or(causes[last.Cause], string(last.Cause))+" "+string(last.Status)
		if last.Status == schemas.Canceled {
			found.Tone = "note"
		}
		if last.Error != nil {
			found.More = sentence(last.Error.Message)
		}
	}
	return found
}

func tried(dry bool, cause schemas.Cause) string {
	if dry {
		return "try"
	}
	return cmp.Or(causes[cause], string(cause))
}

// runStanding says how a run stands or ended.
func runStanding(run *schemas.Run) standing {
	found := standing{Text: string(run.Status), Run: run.RunID}
	switch run.Status {
	case schemas.Queued:
		found.Tone, found.Text = "busy", "waiting its turn"
	case schemas.Processing:
		found.Tone, found.Text = "busy", string(run.Stage)
	case schemas.Successful:
		found.Tone, found.Text = "good", "successful"
	case schemas.Failed:
		found.Tone = "bad"
	case schemas.Canceled:
		found.Tone = "note"
	case schemas.Skipped:
		found.Text = "skipped"
	}
	if run.Detail != "" {
		found.More = sentence(run.Detail)
	}
	if run.Error != nil {
		found.More = sentence(run.Error.Message)
	}
	return found
}

// took writes how long a run took, or has taken so far; empty: it has not begun.
func took(run *schemas.Run, now time.Time) string {
	if run.StartedAt == nil {
		return ""
	}
	if run.EndedAt != nil {
		now = *run.EndedAt
	}
	switch d := now.Sub(*run.StartedAt); {
	case d < time.Minute:
		return strconv.FormatFloat(max(0, d.Seconds()), 'f', 1, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

func len64(list any) int64 { return int64(reflect.ValueOf(list).Len()) }
