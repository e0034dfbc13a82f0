package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// past is one record of a membership.
type past struct {
	At     time.Time `json:"at"`     // of the cause; of one who left, when it was published
	Change string    `json:"change"` // entered, changed, left, or foreign: not written by kindred
	Score  *float64  `json:"score,omitempty"`
	Band   string    `json:"band,omitempty"`
	Cause  string    `json:"cause"` // run, profile, segment, ...
	Epoch  int64     `json:"epoch"` // of the model
	RunID  string    `json:"runId"`
}

// mostPast bounds a history: the last ones are kept.
const mostPast = 100

// history reads how a membership has changed, as far back as the log reaches.
func (c *connection) history(ctx context.Context, shard int, key string) ([]past, error) {
	all := []past{}
	err := c.readPartition(ctx, schemas.Memberships, shard, func(r *wire.Record) error {
		if string(r.Key) != key {
			return nil
		}
		if len(all) == mostPast {
			all = append(all[:0], all[1:]...)
		}
		all = append(all, pastOf(r))
		return nil
	})
	return all, err
}

func pastOf(r *wire.Record) past {
	header := func(name string) string { text, _ := r.Headers.Get(name); return string(text) }
	m := past{At: time.UnixMilli(r.Timestamp).UTC(), Cause: header(schemas.HeaderCause), Change: map[string]string{
		schemas.TypeMembershipEntered: "entered", schemas.TypeMembershipChanged: "changed", schemas.TypeMembershipLeft: "left",
	}[header(schemas.HeaderType)]}
	var value schemas.Membership
	switch {
	case m.Change == "":
		m.Change = "foreign"
	case r.Value == nil:
		m.Epoch, _ = strconv.ParseInt(header(schemas.HeaderEpoch), 10, 64)
		m.RunID = header(schemas.HeaderRunID)
	case json.Unmarshal(r.Value, &value) == nil:
		m.At, m.Epoch, m.RunID, m.Score, m.Band = value.ChangedAt, value.Epoch, value.RunID, &value.Score, value.Band
	}
	return m
}

// causes say in words why a membership changed.
var causes = map[string]string{
	schemas.ByRun: "a run", schemas.ByProfile: "the profile changed", schemas.BySegment: "a segment changed", schemas.ByConsent: "consent was withdrawn",
	schemas.ByErasure: "the profile was erased", schemas.ByDelete: "the expansion was deleted", schemas.ByRepair: "a repair",
}

func (e *explanation) drawHistory(screen terminal.Screen) {
	if len(e.History) == 0 {
		return
	}
	screen.Title("History", "as far back as the log reaches")
	var rows [][]string
	for _, m := range e.History {
		scored, cause := "-", causes[m.Cause]
		if m.Score != nil {
			scored = fmt.Sprintf("%.4f", *m.Score)
		}
		if cause == "" {
			cause = m.Cause
		}
		rows = append(rows, []string{clock(m.At), m.Change, scored, m.Band, cause, m.RunID})
	}
	screen.Table([]string{"when", "", "#score", "band", "cause", "model of run"}, rows)
}
