package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/pipeline/route"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// ledger is what was committed, a transaction after the other.
type ledger struct {
	next    []int64         // of the requests
	runs    [][]schemas.Run // events
	records []int           // of expansions
	fails   bool
}

func (l *ledger) Fence(context.Context) error { return nil }

func (l *ledger) Transact(_ context.Context, _ string, next int64, fill func(route.Writer) error) error {
	if l.fails {
		return errors.New("no broker")
	}
	l.next, l.runs, l.records = append(l.next, next), append(l.runs, nil), append(l.records, 0)
	return fill(l)
}

func (l *ledger) Write(_ context.Context, topic string, _ int, _, value []byte, h wire.Headers) error {
	last := len(l.next) - 1
	switch topic {
	case schemas.Runs:
		var run schemas.Run
		if err := json.Unmarshal(value, &run); err != nil {
			return err
		}
		at, _ := h.Get(schemas.HeaderTime)
		run.At, _ = time.Parse(time.RFC3339Nano, string(at))
		l.runs[last] = append(l.runs[last], run)
	case schemas.Expansions:
		l.records[last]++
	}
	return nil
}

// newTerm returns a term on a desk's state that commits to a ledger.
func newTerm(t *testing.T, d *desk) (*term, *ledger) {
	l := &ledger{}
	c := &Controller{Transactions: l, Number: 1, Log: slog.New(slog.DiscardHandler)}
	c.taken.begin(t.Context())
	c.taken.allAdded()
	return &term{Controller: c, state: d.state, attempts: map[string]*attempt{}, commits: make(chan commit)}, l
}

func settle(t *testing.T, of *term) {
	t.Helper()
	if err := of.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestDecisionsAreCommittedTogetherInTheirOrder(t *testing.T) {
	term, l := newTerm(t, newDesk(t))
	const requests = 2*mostTogether + 10
	for i := range requests {
		r := expand(fmt.Sprint("run", i))
		r.ExpansionID = fmt.Sprint("x", i)
		term.decided(requestsInput, int64(i+1), term.state.decide(request{ExpandRequest: r, offset: int64(i), at: noon}, noon))
	}
	settle(t, term)
	if want := []int64{mostTogether, 2 * mostTogether, requests}; !slices.Equal(l.next, want) {
		t.Errorf("the offsets committed are %v, want %v", l.next, want)
	}
	for i, run := range slices.Concat(l.runs...) {
		if run.RunID != fmt.Sprint("run", i) {
			t.Fatalf("event %d is of %s", i, run.RunID)
		}
	}
	if !term.Taken("x0") || term.Taken("y") {
		t.Error("it does not know whose ids are taken")
	}

	term.take(step{letters: []schemas.DeadLetter{{Topic: "t"}}})
	term.decided(eventsInput, 7, step{})
	term.decided(requestsInput, requests+1, step{})
	settle(t, term)
	if want := []int64{7, requests + 1}; !slices.Equal(l.next[3:], want) {
		t.Errorf("of two inputs %v are committed, want %v", l.next[3:], want)
	}
	term.take(step{letters: []schemas.DeadLetter{{Topic: "t"}}})
	settle(t, term)
	if l.next[5] != requests+1 {
		t.Errorf("what no record has caused moves the offset to %d", l.next[5])
	}
}

func TestARunThatBeginsAtOnceIsOneTransaction(t *testing.T) {
	term, l := newTerm(t, newDesk(t))
	term.decided(requestsInput, 1, term.state.decide(request{ExpandRequest: expand("a"), at: noon}, noon))
	term.advance(t.Context())
	settle(t, term)
	if len(l.runs) != 1 || len(l.runs[0]) != 2 || l.runs[0][0].Status != schemas.Queued || l.runs[0][1].Stage != schemas.Waiting {
		t.Errorf("the events are %+v", l.runs)
	}
	if l.records[0] != 1 {
		t.Errorf("its expansion is written %d times", l.records[0])
	}
}

// A term whose decision cannot be committed is over: its state is ahead of what is committed.
func TestADecisionThatIsNotCommittedEndsTheTerm(t *testing.T) {
	term, l := newTerm(t, newDesk(t))
	l.fails = true
	term.decided(requestsInput, 1, term.state.decide(request{ExpandRequest: expand("a"), at: noon}, noon))
	if term.Taken("x") {
		t.Error("an id is taken before that is committed")
	}
	term.flush(t.Context())
	if err := term.turn(t.Context()); err == nil {
		t.Error("it goes on")
	}
	if term.sure != 0 || term.Taken("x") {
		t.Error("it counts though it was not committed")
	}
}

// Stages that are over in no time are one transaction, and with the commit that follows.
func TestStagesThatAreOverInNoTimeAreToldTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		term, l := newTerm(t, d)
		d.ask(expand("a"))
		term.start(d.state.start(d.state.expansions["x"], now()))
		settle(t, term)
		a := term.attempts["x"]
		a.learning = func() {}
		says := func(stage schemas.Stage, progress float64) {
			t.Helper()
			term.handle(update{expansionID: "x", attempt: a.place, stage: stage, progress: overall(stage, progress)})
			term.beat()
			settle(t, term)
		}
		stages := func(transaction int) (all []schemas.Stage) {
			for _, r := range l.runs[transaction] {
				all = append(all, r.Stage)
			}
			return all
		}
		says(schemas.Reading, 0)
		time.Sleep(lingering / 2)
		says(schemas.Training, 0)
		says(schemas.Training, 0.5)
		if len(l.runs) != 1 {
			t.Fatalf("it does not wait for more: %+v", l.runs)
		}
		if at, due := term.nextAlarm(); !due || time.Until(at) != lingering/2 {
			t.Errorf("it is told at %v", at)
		}
		time.Sleep(lingering / 2)
		term.beat()
		settle(t, term)
		if got := stages(1); !slices.Equal(got, []schemas.Stage{schemas.Reading, schemas.Training, schemas.Training}) {
			t.Errorf("then these are told of together: %v", got)
		}
		if read, trained := l.runs[1][0].At, l.runs[1][1].At; trained.Sub(read) != lingering/2 {
			t.Errorf("reading is said to begin at %v, training at %v", read, trained)
		}
		says(schemas.Scoring, 0)
		m := &model.Model{Scores: model.Logistic(), Cut: model.Nobody(), Bands: model.Bounds{4000, 6000, 8000}}
		term.handle(update{expansionID: "x", attempt: a.place, learned: &learn.Result{Model: m, Report: schemas.NewReport()}})
		settle(t, term)
		if got := stages(2); !slices.Equal(got, []schemas.Stage{schemas.Scoring, schemas.Publishing}) {
			t.Errorf("with the commit come %v", got)
		}
	})
}
