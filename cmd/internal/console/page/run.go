package page

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// runRow is a run in a list.
type runRow struct {
	reading.Run
	Standing standing
	Took     string
}

func runRows(runs []reading.Run) []runRow {
	rows := make([]runRow, 0, len(runs))
	for _, run := range runs {
		rows = append(rows, runRow{run, runStanding(&run.Run), took(&run.Run, time.Now())})
	}
	return rows
}

// runs is the page of all runs on record, or of those of one expansion.
type runs struct {
	ID   string // of the expansion; empty: of all
	IDs  []string
	Rows []runRow
	More bool
}

const runsShown = 200

func (s *Site) runs(r *http.Request) (*sheet, error) {
	p := &runs{ID: r.FormValue("id")}
	found := s.Book.Runs(p.ID, runsShown+1)
	p.More = len(found) > runsShown
	p.Rows = runRows(found[:min(len(found), runsShown)])
	for _, e := range s.Book.Expansions() {
		p.IDs = append(p.IDs, e.ExpansionID)
	}
	return &sheet{page: "runs", Title: "Runs", Section: "runs", Body: p}, nil
}

// run is the page of one run: how far it is, or what became of it.
type run struct {
	schemas.Run
	Name       string // of the expansion
	There      bool   // the expansion is there
	Heard      bool   // somebody has read the request
	Standing   standing
	Took       string
	Stages     []stage
	Cancelable bool
	Percent    int
	Refusal    *warning // why it failed; nil: it has not
	Report     *report
	Said       url.Values // of a try: what was asked for; nil: it is not known
	Again      string     // address of the form that asked for it
}

type stage struct {
	Name, Text, State string // done, now, or empty
}

// stagesOf are the stages of a run, in order, in the words of people.
var stagesOf = []struct {
	stage schemas.Stage
	text  string
}{
	{schemas.Waiting, "Catch up"}, {schemas.Reading, "Read"}, {schemas.Training, "Learn"}, {schemas.Scoring, "Score"}, {schemas.Publishing, "Publish"},
}

func (s *Site) run(r *http.Request) (*sheet, error) {
	id, runID := r.FormValue("id"), r.FormValue("run")
	if schemas.ValidExpansionID(id) != nil || runID == "" {
		return nil, &problem{http.StatusNotFound, "There is no such run", "The address names none."}
	}
	p := &run{Name: id, Run: schemas.Run{RunID: runID, ExpansionID: id, Status: schemas.Queued}}
	found, err := s.Book.WholeRun(r.Context(), id, runID)
	var refusal *reading.Refusal
	switch {
	case err == nil:
		p.Run, p.Heard = *found, true
	case !errors.As(err, &refusal):
		return nil, err
	}
	e, _ := s.Facts.Expansion(id)
	if e != nil && e.State != schemas.StateDeleted {
		p.There, p.Name = e.Definition != nil, named(e)
		p.Cancelable = !p.Status.Final() && p.Heard && !(e.Run != nil && e.Run.RunID == runID && e.Run.Committed)
	}
	p.Standing, p.Took, p.Percent = runStanding(&p.Run), took(&p.Run, time.Now()), int(p.Progress*100)
	p.stages()
	if said, ok := formOf(r.Form); ok && p.DryRun {
		said.ID = id
		p.Said = said.values()
		p.Again = "/expand?" + p.Said.Encode()
		if p.There {
			p.Again = "/edit?" + p.Said.Encode()
		}
	}
	p.Refusal = refusalOf(p.Error, id, formFor(id, p.There, p.Again))
	if p.Run.Report != nil {
		p.report(e)
	}
	return &sheet{page: "run", Title: "Run of " + p.Name, Section: "runs", Body: p}, nil
}

// stages says which stages are over. A dry run publishes nothing.
func (p *run) stages() {
	switch p.Cause {
	case schemas.CauseDelete, schemas.CauseRename, schemas.CauseCancel:
		return
	}
	over := p.Status == schemas.Processing
	for _, known := range stagesOf {
		if known.stage == schemas.Publishing && p.DryRun {
			continue
		}
		next := stage{Name: string(known.stage), Text: known.text}
		switch {
		case p.Status == schemas.Successful:
			next.State = "done"
		case p.Status == schemas.Processing && known.stage == p.Stage:
			next.State, over = "now", false
		case over:
			next.State = "done"
		}
		p.Stages = append(p.Stages, next)
	}
}

// report adds what the run found. Of a try the definition is that of the form, of the last run that of the expansion.
func (p *run) report(e *schemas.Expansion) {
	var d *schemas.Definition
	switch {
	case p.Said != nil:
		said, _ := formOf(p.Said)
		d = said.definition()
	case e != nil && !p.DryRun && e.LastRun != nil && e.LastRun.RunID == p.RunID:
		d = e.Definition
	}
	p.Report = newReport(p.ExpansionID, formFor(p.ExpansionID, p.There, p.Again), d, p.Run.Report)
}
