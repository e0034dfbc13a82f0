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

// throughKey is the key under which shards learn how far the router has got.
const throughKey = "/through"

var in = []byte("{}") // the value of a customer who is in a segment; who is out has none

// writeChange writes a change for the segment's present number: first who comes, then who goes.
func (l *life) writeChange(ctx context.Context, s *segment, c *schemas.SegmentChange) error {
	if err := l.writeMembers(ctx, s, c.Added, in); err != nil {
		return err
	}
	return l.writeMembers(ctx, s, c.Removed, nil)
}

// writeMembers writes one record for each customer, into the partition of that customer's shard.
func (l *life) writeMembers(ctx context.Context, s *segment, customers []string, value []byte) error {
	if len(customers) == 0 {
		return nil
	}
	headers := wire.AppendHeaders(nil, wire.Header{Key: schemas.HeaderSnapshot, Value: strconv.AppendInt(nil, s.Number, 10)})
	l.key = append(append(l.key[:0], s.SegmentID...), '/')
	start := len(l.key)
	for _, customer := range customers {
		l.key = append(l.key[:start], customer...)
		shard := l.Partitioner.Partition(l.key[start:], l.Shards)
		if err := l.w.Write(ctx, l.members, shard, l.key, value, headers); err != nil {
			return err
		}
	}
	return nil
}

// writeMark tells every shard that the segment's present number counts from here on, and whether the segment is gone.
func (l *life) writeMark(ctx context.Context, s *segment) error {
	l.key = append(append(l.key[:0], s.SegmentID...), '/')
	return l.everywhere(ctx, l.key, fmt.Appendf(nil, `{"snapshot":%d,"gone":%t}`, s.Number, s.Gone))
}

// writeThrough tells every shard that all below next has been routed.
func (l *life) writeThrough(ctx context.Context, next int64) error {
	l.through = append(strconv.AppendInt(append(l.through[:0], `{"offset":`...), next, 10), '}')
	return l.everywhere(ctx, []byte(throughKey), l.through)
}

func (l *life) everywhere(ctx context.Context, key, value []byte) error {
	for shard := range l.Shards {
		if err := l.w.Write(ctx, l.members, shard, key, value, nil); err != nil {
			return err
		}
	}
	return nil
}

// writeSegment remembers what this batch has made of a segment.
func (l *life) writeSegment(ctx context.Context, s *segment) error {
	value, err := json.Marshal(&s.Segment)
	if err != nil {
		return fmt.Errorf("remember a segment: %w", err)
	}
	s.touched = false
	id := s.SegmentID + "@" + strconv.FormatInt(s.offset, 10)
	headers := schemas.Event(schemas.TypeSegment, id, s.SegmentID, time.UnixMilli(s.at))
	return l.w.Write(ctx, l.segments, 0, []byte(s.SegmentID), value, headers)
}

// reject makes a dead letter of a record of segment-changes, in the same transaction as all else.
func (l *life) reject(ctx context.Context, r *wire.Record, why *schemas.Malformed) error {
	letter := schemas.Letter(l.changes, 0, r, "route", why.Code, why.Message, time.Now())
	return l.w.Write(ctx, l.letters, 0, letter.Key, letter.Value, letter.AllHeaders())
}
