package route

import (
	"bytes"
	"context"

	"kindred/schemas/wire"
)

// What one transaction writes is bounded, so that it ends long before the broker would abort it. It may exceed these by what
// one record of segment-changes causes beside its members: a few dead letters, and a mark and a through for each shard.
const (
	mostRecords = 50_000  // of members
	mostBytes   = 8 << 20 // of members, or of dead letters
	mostTouched = 1000    // segments, whose records have up to a megabyte, but mostly a few hundred bytes
)

// outbox collects records for a transaction.
type outbox struct {
	records []outgoing
	size    int // bytes of keys and values
	memory  []byte
}

type outgoing struct {
	topic      string
	partition  int
	key, value []byte       // in the outbox's memory
	headers    wire.Headers // shared by many
}

// add copies key and value. The headers must not be changed any more.
func (o *outbox) add(topic string, partition int, key, value []byte, h wire.Headers) {
	o.records = append(o.records, outgoing{topic, partition, o.copy(key), o.copy(value), h})
	o.size += len(key) + len(value)
}

// copy returns a copy of b that lies in the outbox's memory, which grows by pieces.
func (o *outbox) copy(b []byte) []byte {
	const piece = 256 << 10
	switch {
	case b == nil:
		return nil
	case len(b) > piece/4:
		return bytes.Clone(b)
	case len(b) > cap(o.memory)-len(o.memory):
		o.memory = make([]byte, 0, piece)
	}
	begin := len(o.memory)
	o.memory = append(o.memory, b...)
	return o.memory[begin:len(o.memory):len(o.memory)]
}

func (o *outbox) writeTo(ctx context.Context, w Writer) error {
	for _, r := range o.records {
		if err := w.Write(ctx, r.topic, r.partition, r.key, r.value, r.headers); err != nil {
			return err
		}
	}
	return nil
}

func (o *outbox) reset() {
	clear(o.records)
	o.records, o.size, o.memory = o.records[:0], 0, o.memory[:0]
}

// commit commits in one transaction all that is in the outboxes, what there is to remember of the segments that were touched,
// and the offset up to which all is routed, which the shards learn, too.
func (t *term) commit(ctx context.Context, next int64) error {
	err := t.Transactions.Transact(ctx, t.changes, next, func(w Writer) error {
		if err := t.routed.writeTo(ctx, w); err != nil {
			return err
		}
		if err := t.refused.writeTo(ctx, w); err != nil {
			return err
		}
		for _, s := range t.touched {
			if err := t.writeSegment(ctx, w, s); err != nil {
				return err
			}
		}
		return t.writeThrough(ctx, w, next)
	})
	if err != nil {
		return err
	}
	for _, s := range t.touched {
		s.touched = false
	}
	t.routed.reset()
	t.refused.reset()
	t.touched = t.touched[:0]
	t.at = next
	return nil
}

// commitPiece commits the members that are in the outbox, in the middle of a record that has more of them than one transaction
// should write. The offset stays in front of the record: after a crash all of its members are written once more, in the same
// order, which changes nothing. What else the record causes is committed with its last piece.
func (t *term) commitPiece(ctx context.Context) error {
	err := t.Transactions.Transact(ctx, t.changes, t.at, func(w Writer) error { return t.routed.writeTo(ctx, w) })
	if err == nil {
		t.routed.reset()
	}
	return err
}

// makeRoom commits what lies before the record at an offset, unless a transaction takes so many members and bytes more. So
// only the members of one record alone are ever committed in pieces.
func (t *term) makeRoom(ctx context.Context, offset int64, members, size int) error {
	if len(t.routed.records)+members <= t.piece() && t.routed.size+size <= mostBytes && t.refused.size+size <= mostBytes &&
		len(t.touched) < mostTouched {
		return nil
	}
	return t.commitBefore(ctx, offset)
}

// commitBefore commits what lies before the record at an offset, if anything waits.
func (t *term) commitBefore(ctx context.Context, offset int64) error {
	if len(t.routed.records) == 0 && len(t.refused.records) == 0 && len(t.touched) == 0 {
		return nil
	}
	return t.commit(ctx, offset)
}

func (t *term) piece() int {
	if t.Piece > 0 {
		return t.Piece
	}
	return mostRecords
}
