package route

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

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

// writeMembers writes one record for each customer, into the partition of that customer's shard.
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
		if err := t.w.Write(ctx, t.members, shard, t.key, value, headers); err != nil {
			return err
		}
	}
	return nil
}

// writeMark writes to every shard that the segment's present number counts from here on, and whether the segment is gone.
func (t *term) writeMark(ctx context.Context, s *segment) error {
	t.key = append(append(t.key[:0], s.SegmentID...), '/')
	return t.toAllShards(ctx, t.key, fmt.Appendf(nil, `{"snapshot":%d,"gone":%t}`, s.Number, s.Gone))
}

// writeThrough writes to every shard that all below next has been routed.
func (t *term) writeThrough(ctx context.Context, next int64) error {
	t.through = append(strconv.AppendInt(append(t.through[:0], `{"offset":`...), next, 10), '}')
	return t.toAllShards(ctx, []byte(throughKey), t.through)
}

func (t *term) toAllShards(ctx context.Context, key, value []byte) error {
	headers := wire.AppendHeaders(nil, schemas.Format())
	for shard := range t.Shards {
		if err := t.w.Write(ctx, t.members, shard, key, value, headers); err != nil {
			return err
		}
	}
	return nil
}

// writeSegment writes what a later term must know of a segment that this batch has changed.
func (t *term) writeSegment(ctx context.Context, s *segment) error {
	value, err := json.Marshal(&s.Segment)
	if err != nil {
		return fmt.Errorf("encode a segment: %w", err)
	}
	s.touched = false
	id := s.SegmentID + "@" + strconv.FormatInt(s.offset, 10)
	headers := schemas.Event(schemas.TypeSegment, id, s.SegmentID, time.UnixMilli(s.at), schemas.Format())
	return t.w.Write(ctx, t.segments, 0, []byte(s.SegmentID), value, headers)
}

// reject writes a dead letter about a record of segment-changes, in the same transaction as everything else.
func (t *term) reject(ctx context.Context, r *wire.Record, why *schemas.Malformed) error {
	letter := schemas.Letter(t.changes, 0, r, schemas.LetterRoute, why.Code, why.Message, time.Now())
	return t.w.Write(ctx, t.letters, 0, letter.Key, letter.Value, letter.AllHeaders())
}
