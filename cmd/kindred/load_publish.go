package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kindred/cmd/internal/table"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// publication publishes the profiles of a load.
type publication struct {
	*program
	*connection
	*loading
	batch  string // names this load among all
	denied int64  // rows published with profiling false
	kept   int64  // customers among them who had said so before
}

// newBatch returns a name that no other load has.
func newBatch(at time.Time) string {
	return "load-" + at.UTC().Format("20060102-150405") + "-" + strings.ToLower(rand.Text()[:6])
}

// run publishes every row. Without a column that says who consents, those who have said no stay so, also when they say it while
// the load runs: what others publish meanwhile is read too, and the rows of whom it changes are published once more.
func (l *publication) run(ctx context.Context) error {
	if l.Consent != "" {
		return l.pass(ctx, nil, nil)
	}
	said, err := l.objections(ctx)
	if err != nil {
		return err
	}
	return l.keep(ctx, said)
}

// keep publishes every row, and keeps what customers have said and say meanwhile.
func (l *publication) keep(ctx context.Context, said *objections) error {
	if err := l.pass(ctx, said, nil); err != nil {
		return err
	}
	for {
		late, err := said.meanwhile(ctx)
		if err != nil || len(late) == 0 {
			l.kept = int64(len(said.rows))
			l.denied = l.kept
			return err
		}
		if err := l.pass(ctx, said, late); err != nil {
			return err
		}
	}
}

// pass publishes the rows of some customers; with nil of all.
func (l *publication) pass(ctx context.Context, said *objections, only map[string]bool) error {
	f, err := l.flood(ctx, l.connection, schemas.Profiles)
	if err != nil {
		return err
	}
	if said != nil {
		f.from(said.ends)
	}
	var number int64
	var value, id []byte
	var headers wire.Headers
	begun := time.Now().Truncate(time.Second) // of every event: a load is one act
	progress := l.aside.Count("profiles", l.Rows)
	err = f.finish(l.Each(func(row *table.Row) error {
		number++
		if only != nil && !only[string(row.ID)] {
			return nil
		}
		denied := row.Denied || said.by(row.ID)
		if denied {
			l.denied++
		}
		value = schemas.AppendProfile(value[:0], string(row.ID), row.Fields, !denied)
		id = strconv.AppendInt(append(append(id[:0], l.batch...), '/'), number, 10)
		headers = schemas.AppendEvent(headers[:0], schemas.TypeProfile, id, row.ID, begun)
		progress.At(f.acknowledged.Load())
		return f.addEvent(row.ID, value, headers)
	}))
	progress.End("")
	if err != nil {
		return fmt.Errorf("%w (%s published before)", err, terminal.Count(f.acknowledged.Load(), "profile"))
	}
	if said != nil {
		said.ends, said.gaps = f.others()
	}
	return nil
}

// announce publishes that a load is complete: expansions that wait for it are refreshed.
func (c *connection) announce(ctx context.Context, batch string) error {
	const source = "kindred-load"
	value, err := json.Marshal(schemas.DataEvent{Source: source, BatchID: batch, Kind: "profiles-loaded"})
	if err != nil {
		return err
	}
	return c.publish(ctx, schemas.DataEvents, source, value, schemas.Event(schemas.TypeDataEvent, batch, source, time.Now()))
}
