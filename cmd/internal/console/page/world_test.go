package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"kindred/cmd/internal/console/page"
	"kindred/cmd/internal/reading"
	"kindred/pipeline/learn"
	"kindred/schemas"
)

// world is an installation as pages see it. It keeps what was asked of it.
type world struct {
	segments   []reading.Segment
	expansions []reading.Expansion
	members    []reading.Member
	fields     *reading.Fields
	runs       []reading.Run
	reports    map[string]*schemas.Report // by run
	health     *reading.Health
	why        *reading.Why
	drift      *learn.Drift

	behind int64 // records that have not been read yet

	mu    sync.Mutex
	asked []schemas.ExpandRequest
}

func (w *world) site() *page.Site {
	return &page.Site{Facts: w, Book: w, Ask: func(_ context.Context, r *schemas.ExpandRequest) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.asked = append(w.asked, *r)
		return nil
	}, Replay: func(context.Context, int64) (string, error) { return "put back 1 record", nil }}
}

func (w *world) Segments(context.Context) ([]reading.Segment, int, error) { return w.segments, 0, nil }

func (w *world) WithLive(_ context.Context, all []schemas.Expansion) ([]reading.Expansion, error) {
	var found []reading.Expansion
	for _, e := range all {
		i := slices.IndexFunc(w.expansions, func(known reading.Expansion) bool { return known.ExpansionID == e.ExpansionID })
		found = append(found, w.expansions[i])
	}
	return found, nil
}

func (w *world) Expansions() []schemas.Expansion {
	var all []schemas.Expansion
	for _, e := range w.expansions {
		all = append(all, e.Expansion)
	}
	return all
}

func (w *world) Expansion(id string) (*schemas.Expansion, error) {
	for i := range w.expansions {
		if w.expansions[i].ExpansionID == id {
			return &w.expansions[i].Expansion, nil
		}
	}
	return nil, &reading.Refusal{Code: reading.NoExpansion, Err: errors.New("there is no expansion " + id)}
}

func (w *world) Members(_ context.Context, id string, limit int, after string) (*reading.Page, error) {
	from := 0
	if after != "" {
		fmt.Sscan(after, &from)
	}
	end := min(from+limit, len(w.members))
	p := &reading.Page{ExpansionID: id, Total: int64(len(w.members)), Members: w.members[from:end], AsOf: moment}
	if end < len(w.members) {
		p.Next = fmt.Sprint(end)
	}
	return p, nil
}

func (w *world) HeldOut(ctx context.Context, id string, limit int, _ string) (*reading.Page, error) {
	p, err := w.Members(ctx, id, 3, "")
	p.Next = ""
	return p, err
}

func (w *world) Drift(context.Context, *schemas.Expansion) (*learn.Drift, error) { return w.drift, nil }

func (w *world) Why(_ context.Context, id, customer string) (*reading.Why, error) {
	if w.why == nil {
		return nil, &reading.Refusal{Code: reading.NoExpansion, Err: errors.New("there is no expansion " + id)}
	}
	found := *w.why
	found.ExpansionID, found.CustomerID = id, customer
	return &found, nil
}

func (w *world) Fields(_ context.Context, segment string) (*reading.Fields, error) {
	found := *w.fields
	found.Fields = slices.Clone(found.Fields)
	if segment != "" {
		found.Segment = &reading.SurveyedFrom{ID: segment, Members: 3010, WithProfile: 3000}
	}
	return &found, nil
}

func (w *world) Runs(expansion string, limit int) (all []reading.Run) {
	for _, run := range w.runs {
		if (expansion == "" || run.ExpansionID == expansion) && len(all) < limit {
			all = append(all, run)
		}
	}
	return all
}

func (w *world) WholeRun(_ context.Context, expansion, id string) (*schemas.Run, error) {
	for _, run := range w.runs {
		if run.ExpansionID == expansion && run.RunID == id {
			found := run.Run
			found.Report = w.reports[id]
			return &found, nil
		}
	}
	return nil, &reading.Refusal{Code: reading.NoRun, Err: errors.New("there is no run " + id)}
}

func (w *world) Health(context.Context) *reading.Health { return w.health }
func (w *world) State() reading.State {
	return reading.State{Whole: w.behind == 0, Behind: w.behind, AsOf: moment}
}

var moment = time.Date(2026, 11, 27, 2, 24, 0, 0, time.UTC)

// empty is an installation to which nothing has come yet.
func empty() *world {
	return &world{fields: &reading.Fields{}, health: &reading.Health{Ready: true}}
}

// typical is an installation that lives.
func typical() *world {
	w := worldOf("VIP customers", "VIP customers Expansion", "TravelStyle", "gold", "c-0000017")
	d := w.expansions[0].Definition
	add := func(id, name, source string, change func(*reading.Expansion)) {
		e := w.expansions[0]
		copied := *d
		e.ExpansionID, e.Name, e.Definition = id, name, &copied
		e.Definition.SourceSegmentID, e.Definition.Name = source, name
		change(&e)
		w.expansions = append(w.expansions, e)
	}
	add("vip-second", "VIP customers, second wave", "vip-expansion", func(e *reading.Expansion) { e.Live = &reading.Live{Members: 812, Bands: [4]int64{0, 12, 500, 300}} })
	add("churn-expansion", "Likely to leave", "churn", func(e *reading.Expansion) {
		e.LastRun = &schemas.LastRun{RunID: "r-9", Cause: schemas.CauseRefresh, Status: schemas.Failed, EndedAt: moment, Error: &schemas.RunError{
			Code: schemas.CodeShrink, Message: "3,100 of 4,286 members would leave", Hint: "look whether profiles are missing, or refresh with force"}}
	})
	add("cyclists-expansion", "Cyclists Expansion", "cyclists", func(e *reading.Expansion) {
		e.State, e.Definition, e.Report, e.Live = schemas.StateNew, nil, nil, nil
		e.LastRun = nil
		source := "cyclists"
		e.Run = &schemas.RunRef{RunID: "r-8", Cause: schemas.CauseExpand, StartedAt: moment, Request: schemas.ExpandRequest{Action: schemas.Expand, SourceSegmentID: &source}}
	})
	w.segments = append(w.segments,
		reading.Segment{SegmentID: "churn", Name: "Left within a year", Members: 1204},
		reading.Segment{SegmentID: "cyclists", Name: "Cyclists", Members: 310},
		reading.Segment{SegmentID: "newsletter", Name: "Newsletter", Members: 48_120, UsedBy: []reading.Use{{ExpansionID: "vip-expansion", As: "candidates"}}},
		reading.Segment{SegmentID: "spring", Name: "Spring campaign", Members: 9000, Open: &reading.OpenSnapshot{Snapshot: "s-8", Have: 1, Parts: 3}},
		reading.Segment{SegmentID: "staff", Name: "Employees", Members: 88, Gone: true},
	)
	return w
}

// worldOf is a small installation in which things have these names.
func worldOf(segment, expansion, field, value, customer string) *world {
	d := &schemas.Definition{
		SourceSegmentID: "vip", Name: expansion, ExcludeSource: true, Share: 0.2, Floor: 0.55, Preset: "seed", Holdout: 0.01,
		Refresh: schemas.RefreshPolicy{OnDataEvent: true, Every: "24h"}, Tags: []string{"spring"},
	}
	r := reportOf(field, value)
	w := &world{
		segments: []reading.Segment{{SegmentID: "vip", Name: segment, Members: 3010, UsedBy: []reading.Use{{ExpansionID: "vip-expansion", As: "source"}}}},
		expansions: []reading.Expansion{{
			Expansion: schemas.Expansion{ExpansionID: "vip-expansion", Name: expansion, State: schemas.StateLive, Epoch: 4, Definition: d, Report: r,
				LastRun: &schemas.LastRun{RunID: "r-1", Cause: schemas.CauseExpand, Status: schemas.Successful, EndedAt: moment}},
			Live: &reading.Live{Members: 4291, Bands: [4]int64{0, 0, 1390, 2901}, AsOf: moment},
		}},
		reports: map[string]*schemas.Report{"r-1": r, "r-3": tryOf(r)},
		why: &reading.Why{
			Name: expansion, Member: true, Message: "is a member: the score reaches the cut", Score: new(0.8731), Band: "very similar", Floor: 0.55, Cut: 0.7512,
			Reasons: []reading.Reason{{Field: field, Value: value, Lift: 2.34}, {Field: "Membership", Value: "gold", Lift: 1.8}, {Field: "City", Value: "Oslo", Lift: 0.7}},
			History: []reading.Past{
				{At: moment, Change: "entered", Score: new(0.8102), Band: "very similar", Cause: "run", RunID: "r-1", Epoch: 4},
				{At: moment.Add(time.Hour), Change: "left", Cause: "profile", RunID: "r-1", Epoch: 4},
			},
			WouldBring: []reading.Change{{Field: field, Value: value, Score: 0.7712}},
		},
	}
	run := func(id string, cause schemas.Cause, change func(*reading.Run)) {
		began, ended := moment, moment.Add(1400*time.Millisecond)
		run := reading.Run{At: moment, Run: schemas.Run{RunID: id, ExpansionID: "vip-expansion", Epoch: 4, Cause: cause, Status: schemas.Successful, Progress: 1, StartedAt: &began, EndedAt: &ended}}
		change(&run)
		w.runs = append(w.runs, run)
	}
	run("r-4", schemas.CauseRefresh, func(r *reading.Run) {
		r.Status, r.Stage, r.Progress, r.EndedAt, r.Detail = schemas.Processing, schemas.Training, 0.4, nil, "trying 4 combinations of fields"
	})
	run("r-3", schemas.CauseEdit, func(r *reading.Run) { r.DryRun = true })
	run("r-2", schemas.CauseRefresh, func(r *reading.Run) {
		r.Status, r.Error = schemas.Failed, &schemas.RunError{Code: schemas.CodeShrink, Message: "3,100 of 4,286 members would leave, since " + value + " is gone", Hint: "look whether profiles are missing"}
	})
	run("r-1", schemas.CauseExpand, func(*reading.Run) {})
	w.members = append(w.members, reading.Member{CustomerID: customer, Score: 0.9731, Band: "very similar"})
	for i := range 240 {
		score := 0.97 - float64(i)/1000
		band := "very similar"
		if score < 0.8 {
			band = "similar"
		}
		w.members = append(w.members, reading.Member{CustomerID: fmt.Sprintf("c-%07d", i*37), Score: score, Band: band})
	}
	w.drift = &learn.Drift{Customers: 20_000, Warning: &schemas.Warning{Code: "drift", Message: "field " + field + " has shifted", Hint: "refresh it"}, Fields: []learn.FieldDrift{
		{Name: field, Index: 0.31, Moved: []learn.MovedShare{{Value: value, Was: 0.1, Is: 0.34}, {Value: "tied", Was: 0.2492, Is: 0.2544}}}, {Name: "Membership", Index: 0.14}, {Name: "City", Index: 0.004},
	}}
	w.fields = &reading.Fields{Customers: 100_000}
	for _, f := range r.Fields {
		w.fields.Fields = append(w.fields.Fields, reading.Field{Name: f.Name, Type: f.Type, Distinct: f.Distinct, Coverage: f.Coverage, Recommended: f.Used, Reason: f.Reason,
			Values: []reading.FieldValue{{Value: text(value), Customers: 21_000}, {Value: json.RawMessage("41"), Customers: 8000}}})
	}
	w.health = &reading.Health{
		Parts: []reading.Part{{Name: "kafka", Ready: true, Text: "works"}, {Name: "redis", Ready: true, Text: "works"}, {Name: "shards", Text: "11 of 12 ready"}, {Name: "controller", Ready: true, Text: "works"}},
		Letters: []reading.Letter{{Offset: 17, Replayable: true, Topic: "kindred.profiles", At: moment, Code: "wrong_partition", Message: "the key hashes to partition 3 with crc32"},
			{Offset: 16, Replayable: true, Topic: "kindred.profiles", At: moment, Code: "not_json", Message: "the value is no JSON: " + field}},
		LettersTotal: 1204,
	}
	for i := range 12 {
		w.health.Shards = append(w.health.Shards, reading.Shard{Shard: i, Ready: i != 7, Customers: 8300 + int64(i)*7, Lag: int64(i/7) * 312, SavedAt: moment})
	}
	w.health.Shards[7].Text = "catching up, 312 offsets to go"
	return w
}

func text(s string) json.RawMessage {
	encoded, _ := json.Marshal(s)
	return encoded
}

func reportOf(field, value string) *schemas.Report {
	r := &schemas.Report{
		Counts: schemas.Counts{Customers: 100_000, Source: 3010, SourceWithProfile: 3000, Candidates: 97_000, Similar: 21_432, Members: 4286, HeldOut: 12, Entered: 4286},
		Lost:   &schemas.Lost{NoConsent: 61, Source: 3000, BelowFloor: 75_507, BelowCut: 17_146},
		Cut:    0.7512,
		Distribution: []schemas.BandCount{
			{Band: "not similar", From: 0, To: 0.4, Candidates: 58_000}, {Band: "somewhat similar", From: 0.4, To: 0.6, Candidates: 23_000},
			{Band: "similar", From: 0.6, To: 0.8, Candidates: 13_100, Members: 1386, HeldOut: 12}, {Band: "very similar", From: 0.8, To: 1, Candidates: 2900, Members: 2900},
		},
		Quality: schemas.Quality{AUC: 0.8412, AUCLow: 0.832, AUCHigh: 0.8504, RecallAt20: 0.63, LiftAt20: 3.15,
			BandLift: [4]float64{0.2, 0.9, 2.3, 12.1}, BandPromise: [4]float64{0.21, 0.93, 2.2, 9.8}, Holdout: 3000, Grade: "very good"},
		Fields: []schemas.FieldReport{
			{Name: field, Type: "string", Distinct: 6, Coverage: 0.9, Used: true, Influence: 0.31, For: []schemas.ValueReport{{Value: value, Lift: 1.8, Customers: 12_000}}},
			{Name: "Membership", Type: "string", Distinct: 4, Coverage: 1, Used: true, Influence: 0.42,
				For:     []schemas.ValueReport{{Value: "gold", Lift: 2.347, Customers: 21_000}, {Value: "silver", Lift: 1.2, Customers: 34_000}, {Value: "bronze", Lift: 1.02, Customers: 4000}},
				Against: []schemas.ValueReport{{Value: "none", Lift: 0.432, Customers: 45_000}}},
			{Name: "City", Type: "string", Distinct: 12, Coverage: 1, Used: true, Influence: 0.004},
			{Name: "ShoeSize", Type: "string", Distinct: 12, Coverage: 1, Used: true, Influence: 0.0001},
			{Name: "Age", Type: "LongType", Distinct: 60, Coverage: 1, Reason: "type"},
			{Name: "Nickname", Type: "string", Distinct: 255, Coverage: 1, Reason: "cardinality"},
			{Name: "Orders", Type: "LongType", Distinct: 40, Coverage: 1, Reason: "type"},
			{Name: "MaritalStatus", Type: "string", Distinct: 4, Coverage: 1, Reason: "sensitive"},
		},
		Crosses: []schemas.CrossReport{{Fields: []string{"City", field}, Influence: 0.21,
			For: []schemas.ValueReport{{Value: "Oslo together with " + value, Lift: 6.71, Customers: 1200}}}},
		Warnings: []schemas.Warning{{Code: "rule_field", Message: "the source segment looks as if defined by field " + field, Hint: "name the other fields only: --field NAME, once for each"}},
	}
	for i := range 101 {
		x := 1 - float64(i)/100
		r.Reach = append(r.Reach, int64(97_000*math.Pow(x, 1.6)*(0.4+0.6*x)))
	}
	return r
}

func tryOf(r *schemas.Report) *schemas.Report {
	tried := *r
	tried.Difference = &schemas.Difference{Entered: 1286, Left: 40, Changed: 3, Bands: []schemas.BandDifference{
		{Band: "not similar"}, {Band: "somewhat similar"}, {Band: "similar", Entered: 1086, Left: 40, Changed: 2}, {Band: "very similar", Entered: 200, Changed: 1}}}
	return &tried
}

// hostile is an installation whose names were chosen to do harm.
func hostile() *world {
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)> ` + "\u202Ejavascript:alert(1)\u202C שלום 👩‍👩‍👧 "
	w := worldOf(evil+"segment", evil+strings.Repeat("long name ", 7), evil+"field", evil+"value", `c/"><script>&?#%2e../`+"\u202E👩‍👧")
	w.expansions[0].ExpansionID = ".." // which is an id, too
	for i := range w.runs {
		w.runs[i].ExpansionID = ".."
	}
	w.expansions = append(w.expansions, reading.Expansion{Expansion: schemas.Expansion{ExpansionID: "lost", State: schemas.StateSegmentGone,
		Name: "Lost", Definition: &schemas.Definition{SourceSegmentID: "gone", Name: "Lost", Share: 0.1, Preset: "seed"}}})
	return w
}
