package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/consumers"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// waiting follows a request until its run has ended, as far as that can be known: the request may have been made before, become
// a dead letter, join another, or be read by nobody.
type waiting struct {
	*connection
	request  schemas.ExpandRequest
	progress *terminal.Progress
	aside    terminal.Screen

	at       [2]consumers.Position // the next to visit in runs and in dead-letters
	offset   int64                 // of the request in expand-requests; -1: it was not made
	followed string                // the id of the run: the request's, or that of the one that it joined
	last     schemas.Run           // its last event
	seen     bool                  // there was an event of the request

	silent int      // looks since anything was heard of the run
	taken  bool     // the request has been read
	ends   [2]int64 // of runs and dead-letters, as seen since then; -1: not seen
}

// lookUnheard is how often it is found out why nothing is heard of a request.
const lookUnheard = time.Second

// runRequest makes a request and shows its run until it has ended. again: a request of this id may have been made before.
func (p *program) runRequest(ctx context.Context, c *connection, request schemas.ExpandRequest, again bool) (schemas.Run, error) {
	w := &waiting{
		connection: c, request: request, progress: p.aside.Stages(request.ExpansionID), aside: p.aside, offset: -1,
		followed: request.RequestID, last: schemas.Run{Status: schemas.Queued},
	}
	defer w.progress.End("")
	err := w.begin(ctx, again)
	if err == nil && !w.last.Status.Final() {
		err = w.listen(ctx)
	}
	var away *config.Unreachable
	if ctx.Err() != nil && !errors.As(context.Cause(ctx), &away) {
		err = w.interrupted()
	}
	return w.last, err
}

// begin makes the request, unless it was made before and its run has ended: the same id is one request.
func (w *waiting) begin(ctx context.Context, again bool) (err error) {
	for i, name := range []string{schemas.Runs, schemas.DeadLetters} { // before the request: nothing of it is missed
		w.at[i].Topic = w.prefix.Topic(name)
		if w.at[i].Offset, err = w.end(ctx, name); err != nil {
			return err
		}
	}
	if again {
		if err := wire.ReadTo(ctx, w.fetcher, wire.Position{Topic: w.at[0].Topic}, w.at[0].Offset, w.event); err != nil {
			return err
		}
		if cause := w.last.Cause; w.seen && w.followed == w.request.RequestID && cause != schemas.Cause(w.request.Action) {
			return hint(fmt.Errorf("the id %s has been used before, for another request (%s)", w.request.RequestID, cause), "take another --request-id")
		}
		if w.last.Status.Final() {
			w.aside.Line("request %s was made before: this is how it ended", w.request.RequestID)
			return nil
		}
		if w.seen {
			w.progress.Stage(stage(w.last), w.last.Progress)
		}
	}
	w.offset, err = w.connection.request(ctx, w.request)
	return err
}

// listen visits what comes on both topics until the run has ended.
func (w *waiting) listen(ctx context.Context) error {
	for looked := time.Now(); !w.last.Status.Final(); {
		fetched, err := w.fetcher.Fetch(ctx, w.at[:], lookUnheard)
		if err != nil {
			return err
		}
		for i := range fetched {
			if err := w.visit(&fetched[i]); err != nil {
				return err
			}
		}
		if time.Since(looked) >= lookUnheard {
			if err := w.look(ctx); err != nil {
				return err
			}
			looked = time.Now()
		}
	}
	return nil
}

// visit takes in what was fetched of one of the topics.
func (w *waiting) visit(f *consumers.Fetched) (err error) {
	topic, take := 0, w.event
	if f.Topic == w.at[1].Topic {
		topic, take = 1, w.letter
	}
	w.ends[topic] = f.HighWatermark
	w.at[topic].Offset, err = f.Each(take)
	return err
}

// event takes in an event of a run.
func (w *waiting) event(record *wire.Record) error {
	var run schemas.Run
	if json.Unmarshal(record.Value, &run) != nil || run.RunID != w.followed || run.ExpansionID != w.request.ExpansionID || w.last.Status.Final() {
		return nil // of another run
	}
	w.seen, w.last, w.silent = true, run, 0
	if w.offset >= 0 { // else it tells of the past
		w.progress.Stage(stage(run), run.Progress)
	}
	if run.JoinedTo != "" {
		w.followed, w.last = run.JoinedTo, schemas.Run{Status: schemas.Queued}
	}
	return nil
}

// letter returns why the request could not be read, if that is what a dead letter is about.
func (w *waiting) letter(record *wire.Record) error {
	l, err := reading.ReadDeadLetter(record)
	if err != nil || l.Topic != w.prefix.Topic(schemas.ExpandRequests) || l.Offset != w.offset {
		return nil
	}
	return hint(fmt.Errorf("%s %s: the request became a dead letter (%s): %s", w.request.Action, w.request.ExpansionID, l.Code, l.Message),
		fmt.Sprintf("kindred dead-letters show %d", l.Own))
}

// look finds out why nothing is heard of the run. What is read becomes a run or a dead letter in the transaction that says so:
// only a request that was made before leaves nothing behind.
func (w *waiting) look(ctx context.Context) error {
	if w.silent++; w.silent%patientLooks == 0 {
		w.complain(ctx)
	}
	group, topic := string(w.prefix)+"control", w.prefix.Topic(schemas.ExpandRequests)
	switch {
	case w.seen:
	case !w.taken:
		committed, err := w.cluster.Committed(ctx, group, topic)
		if err == nil && committed[0] > w.offset { // else it is asked again
			w.taken, w.ends = true, [2]int64{-1, -1}
		}
	case w.ends[0] >= 0 && w.ends[1] >= 0 && w.at[0].Offset >= w.ends[0] && w.at[1].Offset >= w.ends[1]:
		return hint(fmt.Errorf("request %s was made before, and how it ended is no longer known", w.request.RequestID),
			"kindred show "+w.request.ExpansionID+"; another --request-id asks anew")
	}
	return nil
}

// patientLooks is how many looks may pass without a word of the run before that is remarked upon.
const patientLooks = 3

// complain says that nobody works on the request, if it is so.
func (w *waiting) complain(ctx context.Context) {
	group, err := w.cluster.Group(ctx, string(w.prefix)+"control")
	switch {
	case err != nil:
	case len(group.Members) == 0:
		w.progress.Stage("no process has control: is kindred serve running? kindred doctor looks", w.last.Progress)
	case !w.seen:
		w.progress.Stage("nobody has read the request yet: kindred doctor says why", 0)
	default:
		w.progress.Stage(stage(w.last), w.last.Progress)
	}
}

// interrupted says what becomes of a request that nobody waits for any more.
func (w *waiting) interrupted() error {
	id := w.request.ExpansionID
	if w.offset < 0 && !w.seen {
		return hint(errors.New("interrupted before Kafka had acknowledged the request: it may have been made or not"), "kindred runs "+id)
	}
	what := "the run goes on"
	if !w.seen {
		what = "the request stands, and is carried out once kindred serve reads it"
	}
	return hint(errors.New("waiting was interrupted: "+what), fmt.Sprintf("kindred runs %s shows it, kindred cancel %s stops it", id, id))
}

// stage describes in words how far a run is.
func stage(run schemas.Run) string {
	words := string(run.Status)
	if run.Status == schemas.Processing {
		words = string(run.Stage)
	}
	if run.Detail != "" {
		words += ": " + run.Detail
	}
	return words
}

// result prints how a run ended. Only a successful one is no error.
func (p *program) result(ctx context.Context, c *connection, request schemas.ExpandRequest, run schemas.Run) error {
	var expansion *schemas.Expansion
	if run.Status == schemas.Successful && !p.settings.JSON {
		book, err := c.book(ctx, schemas.Expansions)
		if err != nil {
			return err
		}
		expansion = book.Expansion(request.ExpansionID)
	}
	if err := p.print(run, func() { drawRun(p.out, request, run, expansion) }); err != nil {
		return err
	}
	switch {
	case run.Status == schemas.Failed && run.Error != nil:
		return hint(fmt.Errorf("%s %s failed: %s", request.Action, request.ExpansionID, run.Error.Message), run.Error.Hint)
	case run.Status != schemas.Successful:
		return hint(fmt.Errorf("%s %s: the run was %s", request.Action, request.ExpansionID, stage(run)),
			"kindred runs "+request.ExpansionID+" shows what came in its place")
	}
	return nil
}

func drawRun(screen terminal.Screen, request schemas.ExpandRequest, run schemas.Run, expansion *schemas.Expansion) {
	switch {
	case run.Status != schemas.Successful:
	case request.Action == schemas.Delete && run.Report != nil:
		screen.Line("deleted %s: %s left", request.ExpansionID, terminal.Count(run.Report.Counts.Left, "member"))
	case run.Report == nil:
		screen.Line("%s %s: done", request.Action, request.ExpansionID)
	default:
		name, definition := request.ExpansionID, (*schemas.Definition)(nil)
		if expansion != nil {
			name = expansion.Name
			if !request.DryRun {
				definition = expansion.Definition
			}
		}
		screen.Report(name, request.ExpansionID, definition, run.Report)
	}
}
