package wire

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// ErrCorrupt means that bytes are not what a broker keeps: a wrong checksum, a length that leads outside. Reading the same
// offset again helps only when the bytes were damaged on their way.
var ErrCorrupt = errors.New("corrupt record batch")

// Set is what one fetch returned for one partition.
type Set struct {
	Data    []byte    // batches, the last one perhaps cut off
	From    int64     // the offset that was asked for: a fetch inside a batch returns the whole batch
	Aborted []Aborted // as the broker sent it with a read_committed fetch; nil for read_uncommitted
}

// Aborted names an aborted transaction: the batches of its producer from FirstOffset up to that producer's next abort
// marker do not count.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Each visits the records in order of offset, without those below From, of aborted transactions and of control
// batches. The record is reused: its bytes alias Data (or memory of their own when the batch was compressed), the
// struct itself is valid during the visit only.
//
// next is where to go on: behind the last whole batch, even when the cleaner has emptied it; From when there was none. An
// error of visit ends it and is returned, with next at that record.
func (s Set) Each(visit func(*Record) error) (next int64, err error) {
	next = s.From
	open := openTransactions{waiting: s.Aborted}
	record := new(Record)
	for rest := s.Data; ; {
		batch, after, err := cut(rest)
		if err != nil {
			return next, fmt.Errorf("at offset %d: %w", next, err)
		}
		if batch == nil {
			if next == s.From && len(rest) > 0 && len(rest) == len(s.Data) {
				return next, fmt.Errorf("at offset %d: %w: the first batch is cut off", next, ErrCorrupt)
			}
			return next, nil
		}
		rest = after
		if err := batch.check(); err != nil {
			return next, fmt.Errorf("at offset %d: %w", next, err)
		}
		if batch.lastOffset() < s.From {
			continue
		}
		if open.counts(batch) {
			if at, err := batch.each(max(next, s.From), record, visit); err != nil {
				return at, err
			}
		}
		next = max(next, batch.lastOffset()+1)
	}
}

// Next returns where Each will go on, found without looking into the batches. Only Each finds out that one is corrupt.
func (s Set) Next() int64 {
	next := s.From
	for rest := s.Data; ; {
		batch, after, err := cut(rest)
		if err != nil || batch == nil {
			return next
		}
		rest = after
		next = max(next, batch.lastOffset()+1)
	}
}

// openTransactions follows which producers are inside an aborted transaction.
type openTransactions struct {
	waiting []Aborted // by first offset, those not reached yet
	sorted  bool
	active  []int64 // producer ids
}

// counts reports whether the batch's records are for readers.
func (o *openTransactions) counts(b batch) bool {
	if len(o.waiting) > 0 {
		o.reach(b.lastOffset())
	}
	attributes := b.attributes()
	if attributes&control != 0 {
		if b.isAbortMarker() {
			o.active = slices.DeleteFunc(o.active, func(id int64) bool { return id == b.producerID() })
		}
		return false
	}
	return attributes&transactional == 0 || len(o.active) == 0 || !slices.Contains(o.active, b.producerID())
}

// reach makes active what began at or before an offset. The data of an aborted transaction may be gone, its marker
// then comes first: it must still find its entry.
func (o *openTransactions) reach(offset int64) {
	if !o.sorted {
		o.waiting = slices.Clone(o.waiting) // the caller's; brokers do not promise an order
		slices.SortStableFunc(o.waiting, func(a, b Aborted) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
		o.sorted = true
	}
	for len(o.waiting) > 0 && o.waiting[0].FirstOffset <= offset {
		o.active = append(o.active, o.waiting[0].ProducerID)
		o.waiting = o.waiting[1:]
	}
}

// batch is one whole batch.
type batch []byte

// cut takes the first batch off data; nil when what is left is not a whole one. Lengths are checked, contents are not.
func cut(data []byte) (first batch, rest []byte, err error) {
	if len(data) < atRecords {
		return nil, nil, nil
	}
	length := int(int32(binary.BigEndian.Uint32(data[atLength:])))
	if magic := data[atMagic]; magic != 2 {
		return nil, nil, fmt.Errorf("record format %d: want 2 (Kafka 0.11 or later)", magic)
	}
	if length < atRecords-atLength-4 {
		return nil, nil, fmt.Errorf("%w: length %d", ErrCorrupt, length)
	}
	end := atLength + 4 + length
	if end > len(data) {
		return nil, nil, nil
	}
	return batch(data[:end:end]), data[end:], nil
}

func (b batch) baseOffset() int64  { return int64(binary.BigEndian.Uint64(b)) }
func (b batch) attributes() uint16 { return binary.BigEndian.Uint16(b[atAttributes:]) }
func (b batch) producerID() int64  { return int64(binary.BigEndian.Uint64(b[atProducer:])) }
func (b batch) count() int         { return int(int32(binary.BigEndian.Uint32(b[atCount:]))) }

// lastOffset counts records that the cleaner has taken out, too: it is where the next batch begins, less one.
func (b batch) lastOffset() int64 {
	return b.baseOffset() + int64(int32(binary.BigEndian.Uint32(b[atLastDelta:])))
}

func (b batch) check() error {
	if binary.BigEndian.Uint32(b[atChecksum:]) != crc32.Checksum(b[atAttributes:], castagnoli) {
		return fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	if b.count() < 0 || b.lastOffset() < b.baseOffset() {
		return fmt.Errorf("%w: %d records up to %d", ErrCorrupt, b.count(), b.lastOffset())
	}
	return nil
}

// isAbortMarker reports whether a control batch aborts its producer's transaction. One that the cleaner has emptied does not.
func (b batch) isAbortMarker() bool {
	marker := false
	b.each(0, new(Record), func(r *Record) error {
		if len(r.Key) >= 4 { // two bytes of version, two of type: 0 abort, 1 commit
			marker = r.Key[2] == 0 && r.Key[3] == 0
		}
		return nil
	})
	return marker
}

// each visits the records from an offset on, whatever the batch is. With an error, at is where it happened.
func (b batch) each(from int64, r *Record, visit func(*Record) error) (at int64, err error) {
	base, first := b.baseOffset(), int64(binary.BigEndian.Uint64(b[atFirstTime:]))
	rest, err := b.records()
	if err != nil {
		return from, fmt.Errorf("at offset %d: %w", base, err)
	}
	r.ProducerID = b.producerID()
	for n := b.count(); n > 0; n-- {
		body, after, ok := chunk(rest)
		if !ok || !r.read(body, base, first) {
			return max(from, base), fmt.Errorf("in the batch at offset %d: %w: a record's lengths do not fit", base, ErrCorrupt)
		}
		rest = after
		if r.Offset < from {
			continue
		}
		if b.attributes()&logAppendTime != 0 {
			r.Timestamp = int64(binary.BigEndian.Uint64(b[atMaxTime:]))
		}
		if err := visit(r); err != nil {
			return r.Offset, err
		}
	}
	return 0, nil
}

// read reads a record. It reports false when its lengths do not fit.
func (r *Record) read(body []byte, base, first int64) bool {
	if len(body) < 1 {
		return false
	}
	body = body[1:] // attributes: none are defined
	since, size := varint(body)
	if size == 0 {
		return false
	}
	body = body[size:]
	delta, size := varint(body)
	if size == 0 {
		return false
	}
	var ok bool
	if r.Key, body, ok = chunk(body[size:]); !ok {
		return false
	}
	if r.Value, body, ok = chunk(body); !ok {
		return false
	}
	r.Offset, r.Timestamp, r.Headers = base+delta, first+since, nil
	if len(body) == 1 && body[0] == 0 {
		return true
	}
	r.Headers = Headers(body)
	return len(body) > 0 && r.Headers.each(func(_, _ []byte) bool { return true })
}
