package control

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"kindred/pipeline/route"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// wide returns a text of so many bytes of which every third takes six as JSON.
func wide(bytes int) string { return strings.Repeat("\u2028", bytes/3) }

// largestFields are as many and as wide names of fields as a request may have.
func largestFields(r schemas.ExpandRequest) schemas.ExpandRequest {
	r.Fields = &[]string{}
	for {
		r.Fields = new(append(*r.Fields, fmt.Sprint(len(*r.Fields)%10)+wide(schemas.LongestFieldName-1)))
		if refusedBySize(&request{ExpandRequest: r}) != nil {
			r.Fields = new((*r.Fields)[1:])
			return r
		}
	}
}

// largestReport is a report of more than a report may hold, within its bounds.
var largestReport = sync.OnceValue(func() *schemas.Report {
	r := schemas.NewReport()
	name := strings.Repeat("\x01", 600_000)
	for i := range 1024 {
		r.LearnedFrom = append(r.LearnedFrom, schemas.Offsets{Shard: i, Profiles: math.MaxInt64, SegmentMembers: math.MaxInt64, Memberships: math.MaxInt64})
		values := []schemas.ValueReport{{Value: wide(600), Lift: 0.123, Customers: math.MaxInt64}}
		r.Fields = append(r.Fields, schemas.FieldReport{Name: name, Type: wide(300), Used: i%2 == 0, For: values, Against: values})
		r.Crosses = append(r.Crosses, schemas.CrossReport{Fields: []string{wide(300), wide(300)}, For: values, Against: values})
		r.Warnings = append(r.Warnings, schemas.Warning{Message: strings.Repeat("\x01", 600), Hint: wide(5000)})
	}
	for range 101 {
		r.Reach = append(r.Reach, math.MaxInt64)
	}
	r.Bound()
	return r
})

// largest is an expansion whose record is as large as the bounds allow.
func largest(t *testing.T) *schemas.Expansion {
	d := newDesk(t)
	id := strings.Repeat("x", 200)
	n := 0
	ask := func(action schemas.Action, change func(*schemas.ExpandRequest)) {
		n++
		r := schemas.ExpandRequest{RequestID: fmt.Sprintf("%03d", n) + wide(252), RequestedBy: wide(255), Action: action, ExpansionID: id}
		change(&r)
		d.ask(r)
		if last := d.last[r.RequestID]; last.Status == schemas.Failed {
			t.Fatalf("%s is refused: %+v", action, last.Error)
		}
		d.turn()
	}
	done := func() {
		d.commit()
		d.state.expansions[id].Run.Report = largestReport()
		d.succeed()
	}
	refresh := func(*schemas.ExpandRequest) {}
	rename := func(r *schemas.ExpandRequest) {
		r.Name, r.Tags = new("n"+strings.Repeat("\u2028", schemas.LongestName-1)), new([]string{})
		for i := range schemas.MostTags {
			r.Tags = new(append(*r.Tags, fmt.Sprintf("%02d", i)+strings.Repeat("\u2028", schemas.LongestTag-2)))
		}
	}
	fields := func(r *schemas.ExpandRequest) { *r = largestFields(*r) }
	ask(schemas.Expand, func(r *schemas.ExpandRequest) {
		r.Holdout = new(math.Nextafter(0.1, 0)) // as many digits as there can be
		r.SourceSegmentID, r.Candidates = new(strings.Repeat("s", 200)), &schemas.Candidates{SegmentID: strings.Repeat("c", 200)}
		r.Suppress = new([]string{})
		for i := range schemas.MostSuppressed {
			r.Suppress = new(append(*r.Suppress, fmt.Sprintf("%0200d", i)))
		}
	})
	done()
	ask(schemas.Edit, fields)
	done()
	for range remembered {
		ask(schemas.Refresh, refresh)
		done()
	}
	ask(schemas.Edit, fields)
	ask(schemas.Rename, rename)
	d.commit()
	d.state.expansions[id].Run.Report = largestReport()
	ask(schemas.Edit, fields)
	ask(schemas.Refresh, refresh)
	ask(schemas.Rename, rename)
	e := *d.state.expansions[id]
	e.LastRun = lastRun(nil, &schemas.Run{
		RunID: wide(255), RequestedBy: wide(255), Cause: schemas.CauseSourceChange, Status: schemas.Failed, EndedAt: &noon,
		Error: &schemas.RunError{Code: schemas.CodeUnknownExpansion, Message: strings.Repeat("\x01", 1<<20), Hint: strings.Repeat("\x01", 1<<20)},
	})
	return &e
}

func TestTheLargestRecordOfAnExpansionFitsItsTopic(t *testing.T) {
	testkit.NotShort(t)
	e := largest(t)
	if size := recordSize(e); size < 700_000 || size > 897_000 {
		t.Errorf("it has %d bytes", size)
	}
	w := testkit.New(t, testkit.Connect(t, testkit.Kafka(t).ListenAddrs()...), "test.", 1)
	gen := w.Join("control", schemas.ExpandRequests)
	transactions := w.Transactions("controller", gen)
	w.OK(transactions.Fence(w.Ctx))
	c := &term{Controller: &Controller{Prefix: w.Prefix, Number: 1}}
	w.OK(transactions.Transact(w.Ctx, w.Prefix.Topic(schemas.ExpandRequests), 0, func(to route.Writer) error {
		ended := schemas.Run{RunID: wide(255), ExpansionID: e.ExpansionID, Report: largestReport(), Detail: wide(1 << 20),
			Error: &schemas.RunError{Message: wide(1 << 20), Hint: wide(1 << 20)}}
		return c.write(w.Ctx, to, &decided{step: step{expansion: e, model: make([]byte, largestModel), runs: []schemas.Run{ended}}})
	}))
}

// A record that an earlier build has written without bounds may be so large that there is no room for a request.
func TestARequestForWhichTheRecordHasNoRoomFails(t *testing.T) {
	d := newDesk(t)
	d.live()
	full := *d.state.expansions["x"]
	full.Name = strings.Repeat("n", largestRecord)
	d.state.expansions["x"] = &full
	d.ask(edit("a", nil))
	d.code("a", schemas.CodeBadValue)
	d.ask(on("b", schemas.Rename))
	d.code("b", schemas.CodeBadValue)
}

func TestWhatMeansSomethingInHTMLOnlyIsNotEscaped(t *testing.T) {
	d := newDesk(t)
	r := expand("a")
	r.Tags = &[]string{strings.Repeat("<", schemas.LongestTag)}
	d.ask(r)
	var w written
	c := &term{Controller: &Controller{}}
	if err := c.write(t.Context(), &w, &decided{step: step{expansion: d.state.expansions["x"]}}); err != nil || !strings.Contains(string(w.Value), "<<<") {
		t.Errorf("the record is %s (%v)", w.Value, err)
	}
}
