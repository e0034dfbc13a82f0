package shard

import (
	"kindred/schemas"
	"kindred/schemas/wire"
)

// touchedRow is a row that a record has changed and that has not been reconciled since.
type touchedRow struct {
	row int32
	cause
}

// cause is the record that makes memberships change. The id and the headers of what is published follow from it.
type cause struct {
	by     reason
	input  uint8 // number of the topic
	offset int64
	at     int64 // ms since 1970
}

// reason stands for a value of the header kindred.cause. It is small because every touched row has one.
type reason uint8

const (
	byRun reason = iota
	byProfile
	bySegment
	byConsent
	byErasure
	byDelete
	byRepair
)

// reasons are the values of the header.
var reasons = [...]string{
	byRun: schemas.ByRun, byProfile: schemas.ByProfile, bySegment: schemas.BySegment, byConsent: schemas.ByConsent,
	byErasure: schemas.ByErasure, byDelete: schemas.ByDelete, byRepair: schemas.ByRepair,
}

// ofRun reports whether a change counts for a run: a model caused it, or a deletion, which is a run too.
func (r reason) ofRun() bool { return r == byRun || r == byDelete }

// ofEvent reports whether an event of upstream caused a change by itself.
func (c *cause) ofEvent() bool {
	switch c.by {
	case byProfile, bySegment, byConsent, byErasure:
		return c.input != modelsInput
	}
	return false
}

// of returns the cause as a record of an expansion names it. A model, or a deletion, that is newer than the expansion's own
// model is another expansion's: it has changed who is in a segment that this one uses.
func (c cause) of(e *expansion) cause {
	if c.by.ofRun() && c.offset > e.modelAt {
		c.by = bySegment
	}
	return c
}

// mostTouched bounds the rows that a take-over remembers with their causes. Its pass reconciles every row anyway.
const mostTouched = 1 << 10

// touch notes that a record has changed a row.
func (o *Owner) touch(row int, by reason, input int, r *wire.Record) {
	if o.caughtUp.Load() || len(o.touched) < mostTouched {
		o.touched = append(o.touched, touchedRow{int32(row), cause{by, uint8(input), r.Offset, r.Timestamp}})
	}
}
