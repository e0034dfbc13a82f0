package reading

import (
	"time"

	"kindred/schemas"
)

// Summary is what a list shows of an expansion: all but the long parts of its report and what its runs have been asked for.
type Summary struct {
	ExpansionID string              `json:"expansionId"`
	Name        string              `json:"name"`
	State       schemas.State       `json:"state"`
	Epoch       int64               `json:"epoch"`
	Definition  *schemas.Definition `json:"definition"` // as last committed; null: nothing was
	Live        *Live               `json:"live"`       // null: not known
	Result      *Result             `json:"result"`     // of the last successful run; null: there was none
	LastRun     *schemas.LastRun    `json:"lastRun"`    // null: none has ended
	Run         *Running            `json:"run"`        // null: none is under way
	Waiting     int                 `json:"waiting"`    // requests that wait for their turn
}

// Result is what came of a run, in short.
type Result struct {
	Counts       schemas.Counts      `json:"counts"`
	Cut          float64             `json:"cut"`
	Distribution []schemas.BandCount `json:"distribution"`
	Quality      schemas.Quality     `json:"quality"`
	Warnings     []schemas.Warning   `json:"warnings"`
}

// Running is the run under way.
type Running struct {
	RunID     string        `json:"runId"`
	Cause     schemas.Cause `json:"cause"`
	DryRun    bool          `json:"dryRun"`
	Committed bool          `json:"committed"`
	StartedAt time.Time     `json:"startedAt"`
}

// Summary returns the expansion in short.
func (e *Expansion) Summary() Summary {
	s := Summary{
		ExpansionID: e.ExpansionID, Name: e.Name, State: e.State, Epoch: e.Epoch, Definition: e.Definition, Live: e.Live,
		LastRun: e.LastRun, Waiting: len(e.Pending),
	}
	if r := e.Report; r != nil {
		s.Result = &Result{r.Counts, r.Cut, r.Distribution, r.Quality, r.Warnings}
	}
	if r := e.Run; r != nil {
		s.Run = &Running{r.RunID, r.Cause, r.Request.DryRun, r.Committed, r.StartedAt}
	}
	return s
}
