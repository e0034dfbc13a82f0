package route

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// throughKey is the key of the records that say how far the router has got.
const throughKey = "/through"

var in = []byte("{}") // the value of a customer who is in a segment; who is out has none

// writeChange writes a change under the segment's present number: who is added first, who is removed after.
func (t *term) writeChange(ctx context.Context, s *segment, c *schemas.SegmentChange) error {
	if err := t.writeMembers(ctx, s, c.Added, in); err != nil {
		return err
	}
	return t.writeMembers(ctx, s, c.Removed, nil)
}

// writeMembers writes one record for each customer, into the partition of that customer's shard. When they are many, those
// before are committed on the way.
func (t *term) writeMembers(ctx context.Context, s *segment, customers []string, value []byte) error {
	if len(customers) == 0 {
		return nil
	}
	headers := wire.AppendHeaders(nil,
		wire.Header{Key: schemas.HeaderSnapshot, Value: strconv.AppendInt(nil, s.Number, 10)}, schemas.Format())
	t.key = append(append(t.key[:0], s.SegmentID...), '/')
	start := len(t.key)
	for _, customer := range customers {
		t.key = append(t.key[:start], customer...)
		shard := t.Partitioner.Partition(t.key[start:], t.Shards)
		if len(t.routed.records) >= t.piece() || t.routed.size >= mostBytes {
			if err := t.commitPiece(ctx); err != nil {
				return err
			}
		}
		t.routed.add(t.members, shard, t.key, value, headers)
	}
	return nil
}

// writeMark writes to every shard that the segment's present number counts from here on, and whether the segment is gone.
func (t *term) writeMark(s *segment) {
	t.key = append(append(t.key[:0], s.SegmentID...), '/')
	headers := wire.AppendHeaders(nil, schemas.Format())
	for shard := range t.Shards {
		t.routed.add(t.members, shard, t.key, fmt.Appendf(nil, `{"snapshot":%d,"gone":%t}`, s.Number, s.Gone), headers)
	}
}

// writeThrough writes to every shard that all below next has been routed.
func (t *term) writeThrough(ctx context.Context, w Writer, next int64) error {
	t.through = append(strconv.AppendInt(append(t.through[:0], `{"offset":`...), next, 10), '}')
	headers := wire.AppendHeaders(nil, schemas.Format())
	for shard := range t.Shards {
		if err := w.Write(ctx, t.members, shard, []byte(throughKey), t.through, headers); err != nil {
			return err
		}
	}
	return nil
}

// writeSegment writes what a later term must know of a segment that was changed.
func (t *term) writeSegment(ctx context.Context, w Writer, s *segment) error {
	value, err := json.Marshal(&s.Segment)
	if err != nil {
		return fmt.Errorf("encode a segment: %w", err)
	}
	headers := schemas.Event(schemas.TypeSegment, s.SegmentID+"@"+s.cause, s.SegmentID, s.at, schemas.Format())
	return w.Write(ctx, t.segments, 0, []byte(s.SegmentID), value, headers)
}

// reject makes a dead letter of a record of segment-changes.
func (t *term) reject(r *wire.Record, why *schemas.Malformed) {
	t.refuse(schemas.Letter(t.changes, 0, r, schemas.LetterRoute, why.Code, why.Message, t.now()))
}

// refuse writes a dead letter, in the same transaction as the offset behind its record.
func (t *term) refuse(letter schemas.DeadLetter) {
	t.refused.add(t.letters, 0, letter.Key, letter.Value, letter.AllHeaders())
}
