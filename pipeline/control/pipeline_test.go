package control_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// Everything that serves, in one process: customers and a segment come in, an expansion lives through all that can be
// asked of it, and what the reports count is what a reader of memberships counts.
func TestAnExpansionFromItsRequestToItsEnd(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	w.pipeline()
	customers := testkit.Town(3000)
	w.load(customers)

	w.ask(`{"requestId":"expand","action":"expand","expansionId":"x","sourceSegmentId":"vip","fields":["City","Age"]}`)
	events := w.ended("expand")["expand"]
	first := w.successful(events)
	w.stages(events)
	members := w.members("x")
	if c := first.Counts; c.Members == 0 || c.Members != int64(len(members)) || c.Entered != c.Members || c.Left != 0 {
		t.Errorf("the report counts %+v, memberships hold %d", c, len(members))
	}
	if c := first.Counts; c.Customers != int64(len(customers))-refusing(customers) || first.Quality.AUC < 0.6 {
		t.Errorf("it has learned from %+v with %+v", first.Counts, first.Quality)
	}
	if e := w.expansion("x"); e.State != schemas.StateLive || e.Name != "VIP customers Expansion" || e.Epoch != 1 {
		t.Errorf("its record is %+v", e)
	}

	w.ask(`{"requestId":"again","action":"refresh","expansionId":"x"}`)
	if again := w.successful(w.ended("again")["again"]); again.Counts.Entered+again.Counts.Left+again.Counts.Changed != 0 {
		t.Errorf("a refresh of what has not changed changes %+v", again.Counts)
	}

	w.ask(`{"requestId":"fewer","action":"edit","expansionId":"x","count":10}`)
	events = w.ended("fewer")["fewer"]
	fewer := w.successful(events)
	if slices.ContainsFunc(events, func(r schemas.Run) bool { return r.Stage == schemas.Training }) {
		t.Error("for another count a model is fitted")
	}
	if !reflect.DeepEqual(fewer.Quality, first.Quality) || !reflect.DeepEqual(fewer.Fields, first.Fields) || w.expansion("x").Epoch != 3 {
		t.Errorf("the edit reports %+v under epoch %d", fewer, w.expansion("x").Epoch)
	}
	kept := w.members("x")
	if fewer.Counts.Members != 10 || len(kept) != 10 || fewer.Counts.Left != int64(len(members)-10) || fewer.Counts.Entered != 0 {
		t.Errorf("the edit counts %+v, memberships hold %d", fewer.Counts, len(kept))
	}
	for id := range kept {
		if !members[id] {
			t.Error("somebody is among the best ten who was not a member before")
		}
	}

	w.ask(`{"requestId":"rename","action":"rename","expansionId":"x","name":"Rather VIP"}`)
	w.ask(`{"requestId":"early","action":"cancel","expansionId":"x"}`)
	w.publish(schemas.DataEvents, 0, [2]string{"warehouse", `{"source":"warehouse","batchId":"b1","kind":"profiles-loaded"}`})
	runs := w.ended("rename", "early", "x/warehouse/b1")
	if r := last(runs["early"]); r.Status != schemas.Failed || r.Error.Code != schemas.CodeNotRunning {
		t.Errorf("a cancel of nothing ends as %+v", r)
	}
	if r := last(runs["x/warehouse/b1"]); r.Status != schemas.Successful || r.Cause != schemas.CauseDataEvent {
		t.Errorf("the data event's refresh ends as %+v", r)
	}
	if e := w.expansion("x"); e.Name != "Rather VIP" || e.Definition.Name != e.Name || e.Definition.Count != 10 {
		t.Errorf("renamed and refreshed it is %+v", e)
	}

	w.ask(`{"requestId":"unknown","action":"edit","expansionId":"x","suppress":["nobody"]}`)
	w.ask(`{"requestId":"delete","action":"delete","expansionId":"x"}`)
	runs = w.ended("unknown", "delete")
	if r := last(runs["unknown"]); r.Status == schemas.Failed && r.Error.Code != schemas.CodeUnknownSegment {
		t.Errorf("a segment that does not exist ends as %+v", r.Error)
	}
	if gone := w.successful(runs["delete"]); gone.Counts.Left != 10 || gone.Counts.Members != 0 || len(w.members("x")) != 0 {
		t.Errorf("the deletion counts %+v, memberships hold %d", gone.Counts, len(w.members("x")))
	}
	if e := w.expansion("x"); e.State != schemas.StateDeleted || e.Run != nil || len(e.Pending) != 0 {
		t.Errorf("deleted it is %+v", e)
	}
}

func TestAnUnknownSegmentIsRefusedAndASegmentThatIsGoneSaysSo(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	w.pipeline()
	w.load(testkit.Town(1500))
	w.ask(`{"requestId":"unknown","action":"expand","expansionId":"x","sourceSegmentId":"nobody"}`)
	w.ask(`{"requestId":"clash","action":"expand","expansionId":"x","sourceSegmentId":"vip","fields":["City"]}`)
	w.ask(`not JSON`)
	w.ask(`{"requestId":"x","action":"expand","expansionId":"other","sourceSegmentId":"vip"}`)
	runs := w.ended("unknown", "clash")
	if r := last(runs["unknown"]); r.Error == nil || r.Error.Code != schemas.CodeUnknownSegment || r.Error.Hint == "" {
		t.Errorf("a source that does not exist ends as %+v", r)
	}
	switch r := last(runs["clash"]); {
	case r.Status == schemas.Successful: // the one before had ended
	case r.Error == nil || r.Error.Code != schemas.CodeExists:
		t.Errorf("an expansion that waits is expanded again: %+v", r)
	default:
		w.ask(`{"requestId":"second","action":"expand","expansionId":"x","sourceSegmentId":"vip","fields":["City"]}`)
		w.successful(w.ended("second")["second"])
	}
	w.publish(schemas.ExpandRequests, 0, [2]string{"typo", `{"requestId":"typo","action":"expand","sourceSegmentId":"nosuch"}`})
	if r := last(w.ended("typo")["typo"]); r.Error == nil || r.Error.Code != schemas.CodeUnknownSegment {
		t.Errorf("an expand of nothing ends as %+v", r)
	}
	w.publish(schemas.SegmentChanges, 0, [2]string{"typo", `{"added":["a"]}`})
	w.publish(schemas.ExpandRequests, 0, [2]string{"small", `{"requestId":"small","action":"expand","sourceSegmentId":"typo"}`})
	if r := last(w.ended("small")["small"]); r.Error == nil || r.Error.Code != schemas.CodeSourceTooSmall {
		t.Errorf("of a segment whose id an expand had in vain, one ends as %+v", r.Error)
	}
	before := len(w.members("x"))

	var gone wire.Builder
	gone.Add(1_700_000_000_000, []byte("vip"), nil, nil)
	_, err := w.Producer.Publish(w.Ctx, w.Prefix.Topic(schemas.SegmentChanges), 0, &gone)
	w.OK(err)
	w.ask(`{"requestId":"late","action":"refresh","expansionId":"x"}`)
	if r := last(w.ended("late")["late"]); r.Error == nil || r.Error.Code != schemas.CodeSegmentGone {
		t.Errorf("a source that is gone ends as %+v", r)
	}
	if after := len(w.members("x")); before == 0 || after != before {
		t.Errorf("of %d members %d are left", before, after)
	}
	letters := 0
	w.All(schemas.DeadLetters, 1, func(r *wire.Record) { letters++ })
	if letters != 2 {
		t.Errorf("there are %d dead letters, want 2", letters)
	}
}

// A snapshot counts as what it changes, not as everybody who is in it.
func TestASourceThatChangesMuchIsLearnedAnew(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	w.pipeline()
	customers := testkit.Town(1500)
	w.load(customers)
	w.ask(`{"requestId":"expand","action":"expand","expansionId":"x","sourceSegmentId":"vip","fields":["City"],"refresh":{"sourceChange":0.2}}`)
	before := w.successful(w.ended("expand")["expand"]).Counts.Source

	var members []string
	for _, c := range customers {
		if slices.Contains(c.Segments, "vip") {
			members = append(members, c.ID)
		}
	}
	snapshot := func(id string, members []string) {
		list, err := json.Marshal(members)
		w.OK(err)
		w.publish(schemas.SegmentChanges, 0, [2]string{"vip", `{"snapshot":"` + id + `","part":1,"parts":1,"members":` + string(list) + `}`})
	}
	snapshot("the same", members)
	left := members[len(members)/3:]
	snapshot("a third less", left)
	var changes []schemas.Run
	w.events(func(events map[string][]schemas.Run) bool {
		changes = nil
		for _, e := range events {
			if r := last(e); r.Cause == schemas.CauseSourceChange && r.Status.Final() {
				changes = append(changes, r)
			}
		}
		return len(changes) > 0
	})
	if after := w.successful(changes).Counts.Source; after != int64(len(left)) || before != int64(len(members)) || len(changes) != 1 {
		t.Errorf("of %d, the source has %d after a change to %d", before, after, len(left))
	}
}

// What a dry run says of what would be is what the same run then does; and until then nothing is published.
func TestWhatADryRunSaysIsWhatTheRunDoes(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	w.pipeline()
	w.load(testkit.Town(3000))
	published := func() (n int) {
		w.All(schemas.Memberships, shards, func(*wire.Record) { n++ })
		return n
	}
	for i, request := range []string{
		`"action":"expand","expansionId":"x","sourceSegmentId":"vip","fields":["City","Age"]`,
		`"action":"refresh","expansionId":"x"`,
		`"action":"edit","expansionId":"x","count":10`,
		`"action":"edit","expansionId":"x","share":0.5,"preset":"2020-05"`,
		`"action":"edit","expansionId":"x","fields":["City"],"excludeSource":false`,
	} {
		try, run := fmt.Sprint("try ", i), fmt.Sprint("run ", i)
		before := published()
		w.ask(`{"requestId":%q,"dryRun":true,%s}`, try, request)
		events := w.ended(try)[try]
		would := w.successful(events)
		if n := published(); n != before || !last(events).DryRun || !events[0].DryRun {
			t.Fatalf("%s: it has published %d records as %+v", request, n-before, last(events))
		}
		w.ask(`{"requestId":%q,%s}`, run, request)
		did := w.successful(w.ended(run)[run])
		if d := would.Difference; d == nil || d.Entered != did.Counts.Entered || d.Left != did.Counts.Left || d.Changed != did.Counts.Changed {
			t.Errorf("%s: it would do %+v, and does %+v", request, d, did.Counts)
		}
		sum := schemas.BandDifference{}
		for _, b := range would.Difference.Bands {
			sum = schemas.BandDifference{Entered: sum.Entered + b.Entered, Left: sum.Left + b.Left, Changed: sum.Changed + b.Changed}
		}
		if d := would.Difference; sum != (schemas.BandDifference{Entered: d.Entered, Left: d.Left, Changed: d.Changed}) {
			t.Errorf("%s: the bands of %+v add up to %+v", request, d, sum)
		}
		did.Counts.Entered, did.Counts.Left, did.Counts.Changed = 0, 0, 0
		if did.Difference, would.Difference = nil, nil; !reflect.DeepEqual(would, did) {
			t.Errorf("%s: but for that it reports\n%+v, and then\n%+v", request, would, did)
		}
	}
}

// Who are VIP is another kind of people from one load to the next. It takes a person to say that this is right.
func TestARefreshByWhichMostMembersWouldLeaveNeedsForce(t *testing.T) {
	w := newWorld(t, testkit.Kafka(t), "test.")
	w.pipeline()
	customers := testkit.Town(3000)
	w.load(customers)
	w.ask(`{"requestId":"expand","action":"expand","expansionId":"x","sourceSegmentId":"vip","fields":["City","Age"]}`)
	w.successful(w.ended("expand")["expand"])
	w.ask(`{"requestId":"same","action":"refresh","expansionId":"x"}`)
	w.successful(w.ended("same")["same"])

	var others []string
	for i, c := range customers {
		if c.City == "Bergen" && i%2 == 0 {
			others = append(others, c.ID)
		}
	}
	w.snapshot("t", others)
	w.publish(schemas.DataEvents, 0, [2]string{"warehouse", `{"source":"warehouse","batchId":"b1"}`})
	if r := last(w.ended("x/warehouse/b1")["x/warehouse/b1"]); r.Error == nil || r.Error.Code != schemas.CodeShrink {
		t.Fatalf("the data event's refresh ends as %s, %+v", r.Status, r.Error)
	}
	before, e := w.members("x"), w.expansion("x")
	if e.State != schemas.StateLive || e.Report == nil || len(before) == 0 {
		t.Errorf("refused, it leaves %d members and %+v", len(before), e)
	}
	if l := e.LastRun; l == nil || l.Error == nil || l.Error.Code != schemas.CodeShrink || l.Cause != schemas.CauseDataEvent || l.FailingSince == nil {
		t.Errorf("its last run is %+v", l)
	}
	w.ask(`{"requestId":"refused","action":"refresh","expansionId":"x"}`)
	w.ask(`{"requestId":"forced","action":"refresh","expansionId":"x","force":true}`)
	runs := w.ended("refused", "forced")
	if r := last(runs["refused"]); r.Status != schemas.Successful && (r.Error == nil || r.Error.Code != schemas.CodeShrink) {
		t.Errorf("a refresh that was not forced ends as %+v, %+v", r, r.Error)
	}
	after := w.members("x")
	for id := range before {
		if after[id] {
			delete(before, id)
		}
	}
	if len(before) == 0 || len(after) == 0 {
		t.Errorf("forced, it has moved %d members, and there are %d", len(before), len(after))
	}

	w.ask(`{"requestId":"edited","action":"edit","expansionId":"x","count":3}`)
	if c := w.successful(w.ended("edited")["edited"]).Counts; c.Members != 3 || c.Left == 0 {
		t.Errorf("an edit counts %+v", c)
	}
}

// load publishes customers and the segments they are in.
func (w *world) load(customers []testkit.Customer) {
	w.Helper()
	byShard := make([][][2]string, shards)
	segments := map[string][]string{}
	for _, c := range customers {
		p := schemas.Murmur2.Partition([]byte(c.ID), shards)
		byShard[p] = append(byShard[p], [2]string{c.ID, c.JSON()})
		for _, s := range c.Segments {
			segments[s] = append(segments[s], c.ID)
		}
	}
	for p, records := range byShard {
		w.publish(schemas.Profiles, p, records...)
	}
	w.snapshot("s", segments["vip"])
}

// snapshot publishes who is in the segment vip from now on.
func (w *world) snapshot(id string, vip []string) {
	w.Helper()
	members, err := json.Marshal(vip)
	w.OK(err)
	w.publish(schemas.SegmentChanges, 0, [2]string{"vip",
		`{"segmentId":"vip","name":"VIP customers","snapshot":"` + id + `","part":1,"parts":1,"members":` + string(members) + `}`})
}

func refusing(customers []testkit.Customer) (n int64) {
	for _, c := range customers {
		if c.Refuses {
			n++
		}
	}
	return n
}

func last(events []schemas.Run) schemas.Run { return events[len(events)-1] }

// successful demands that a run has succeeded, and returns its report.
func (w *world) successful(events []schemas.Run) *schemas.Report {
	w.Helper()
	r := last(events)
	if r.Status != schemas.Successful || r.Report == nil {
		w.Fatalf("run %s ended as %s: %+v", r.RunID, r.Status, r.Error)
	}
	return r.Report
}

// stages demands that a run has reported its stages in order, and never went back.
func (w *world) stages(events []schemas.Run) {
	w.Helper()
	var stages []schemas.Stage
	progress := 0.0
	for _, r := range events {
		if r.Progress < progress {
			w.Errorf("progress fell from %v to %v", progress, r.Progress)
		}
		progress = r.Progress
		if r.Status == schemas.Processing && (len(stages) == 0 || stages[len(stages)-1] != r.Stage) {
			stages = append(stages, r.Stage)
		}
	}
	want := []schemas.Stage{schemas.Waiting, schemas.Reading, schemas.Training, schemas.Scoring, schemas.Publishing}
	if events[0].Status != schemas.Queued || !slices.Equal(stages, want) || progress != 1 {
		w.Errorf("the run began as %s, went through %v, and ended at %v", events[0].Status, stages, progress)
	}
}
