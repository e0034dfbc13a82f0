package wire

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// Set is what one fetch returned for one partition.
type Set struct {
	Data    []byte    // batches, the last one perhaps cut off
	From    int64     // the offset that was asked for: a fetch inside a batch returns the whole batch
	Aborted []Aborted // as the broker sent it with a read_committed fetch; nil for read_uncommitted

	open *openTransactions // where reading goes on behind damage: as it was there; nil: at the beginning
}

// Aborted names an aborted transaction: the batches of its producer from FirstOffset up to that producer's next abort
// marker do not count.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Each visits the records in order of offset, without those below From, of aborted transactions and of control
// batches. A record is valid during the visit only, and so are its bytes: copy what you keep.
//
// next is where to go on: behind the last whole batch, even when the cleaner has emptied it; From when there was none. An
// error of visit ends it and is returned, with next at that record. What cannot be read is a *Damage: Each stops in front
// of it, and goes on behind it when it is called again with From at its Next.
func (s Set) Each(visit func(*Record) error) (next int64, err error) {
	next = s.From
	open := &openTransactions{waiting: s.Aborted}
	if s.open != nil {
		open = s.open
	}
	damaged := func(d *Damage, rest []byte) (int64, error) {
		d.rest = Set{Data: rest, From: d.Next, Aborted: s.Aborted, open: open}
		return d.Offset, d
	}
	record := new(Record)
	for rest := s.Data; ; {
		batch, after, err := cut(rest)
		if err == nil && batch == nil && len(rest) > 0 && len(rest) == len(s.Data) {
			err = errors.New("the first batch is cut off")
		}
		if err != nil {
			damage := corrupt(next, behind(rest, next), "%v", err)
			damage.transport = true
			return damaged(damage, nil) // where the next batch begins is not known
		}
		if batch == nil {
			return next, nil
		}
		if err := batch.check(); err != nil {
			damage := corrupt(next, behind(batch, next), "%v", err)
			damage.transport = true
			return damaged(damage, after)
		}
		visible := open.counts(batch) // also of a batch below From: a marker there ends a transaction
		if visible && batch.lastOffset() >= s.From {
			at, err := batch.each(max(next, s.From), record, visit)
			if damage, ok := err.(*Damage); ok {
				return damaged(damage, rest) // the batch once more, for what is behind
			}
			if err != nil {
				return at, err
			}
		}
		rest = after
		next = max(next, batch.lastOffset()+1)
	}
}

// Next returns where Each will go on, found without looking into the batches, and behind all that cannot be read.
func (s Set) Next() int64 {
	next := s.From
	for rest := s.Data; ; {
		batch, after, err := cut(rest)
		switch {
		case err != nil, batch == nil && len(rest) > 0 && len(rest) == len(s.Data):
			return behind(rest, next)
		case batch == nil:
			return next
		case batch.lastOffset() < batch.baseOffset():
			next = behind(batch, next)
		default:
			next = max(next, batch.lastOffset()+1)
		}
		rest = after
	}
}

// Size returns how many bytes the whole batches have: what they take in Kafka.
func (s Set) Size() int {
	for rest := s.Data; ; {
		batch, after, err := cut(rest)
		if err != nil || batch == nil {
			return len(s.Data) - len(rest)
		}
		rest = after
	}
}

// behind returns where to go on behind a batch that cannot be read, of which only the beginning may be there: behind its last
// offset if that can be believed, else at the next one.
func behind(b []byte, next int64) int64 {
	if len(b) >= atRecords && b[atMagic] == 2 {
		if last := batch(b).lastOffset(); last >= next && last >= batch(b).baseOffset() {
			return last + 1
		}
	}
	return next + 1
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
		return nil, nil, fmt.Errorf("a batch of %d bytes", length)
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
func (b batch) firstTime() int64   { return int64(binary.BigEndian.Uint64(b[atFirstTime:])) }

// lastOffset counts records that the cleaner has taken out, too: it is where the next batch begins, less one.
func (b batch) lastOffset() int64 {
	return b.baseOffset() + int64(int32(binary.BigEndian.Uint32(b[atLastDelta:])))
}

func (b batch) check() error {
	if binary.BigEndian.Uint32(b[atChecksum:]) != crc32.Checksum(b[atAttributes:], castagnoli) {
		return errors.New("wrong checksum")
	}
	if b.count() < 0 || b.lastOffset() < b.baseOffset() {
		return fmt.Errorf("%d records up to %d", b.count(), b.lastOffset())
	}
	return nil
}

// isAbortMarker reports whether a control batch aborts its producer's transaction. One that the cleaner has emptied is none.
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
	if code := b.attributes() & codecBits; code != 0 {
		return b.eachInflated(code, from, r, visit)
	}
	at = max(from, b.baseOffset())
	rest := []byte(b[atRecords:])
	for n := b.count(); n > 0; n-- {
		body, after, ok := chunk(rest)
		if ok && len(body) > LargestRecord {
			damage, err := b.oversize(bytes.NewReader(body), int64(len(body)))
			ok = err == nil
			if ok && damage.Offset >= from {
				return damage.Offset, damage
			}
		} else if ok {
			ok, err = b.visit(body, from, r, visit)
			if err != nil {
				return r.Offset, err
			}
		}
		if !ok {
			return at, corrupt(at, max(at, b.lastOffset()+1), "the lengths of a record do not fit")
		}
		if len(body) <= LargestRecord {
			at = max(at, r.Offset+1)
		}
		rest = after
	}
	return at, nil
}

// visit hands a record to its visitor, unless it lies below from. It reports false when the record cannot be read.
func (b batch) visit(body []byte, from int64, r *Record, visit func(*Record) error) (ok bool, err error) {
	if !r.read(body, b.baseOffset(), b.firstTime()) {
		return false, nil
	}
	if r.Offset < from {
		return true, nil
	}
	r.ProducerID = b.producerID()
	if b.attributes()&logAppendTime != 0 {
		r.Timestamp = int64(binary.BigEndian.Uint64(b[atMaxTime:]))
	}
	return true, visit(r)
}

// eachInflated is each for a compressed batch, of which as much is in memory at a time as an unpacker holds.
func (b batch) eachInflated(code uint16, from int64, r *Record, visit func(*Record) error) (at int64, err error) {
	at = max(from, b.baseOffset())
	packed := []byte(b[atRecords:])
	if len(packed) == 0 && b.count() == 0 { // emptied by the cleaner
		return at, nil
	}
	codec, known := codecs[code]
	if !known {
		return at, corrupt(at, b.lastOffset()+1, "compression %d is unknown", code)
	}
	spoilt := func(err error) *Damage { return corrupt(at, max(at, b.lastOffset()+1), "%s: %v", codec.name, err) }
	inflated, closeCodec, err := codec.open(packed)
	if err != nil {
		return at, spoilt(err)
	}
	defer closeCodec()
	u := unpackers.Get().(*unpacker)
	u.start(inflated)
	defer u.end()
	for n := b.count(); n > 0; n-- {
		body, size, err := u.next()
		if err != nil {
			return at, spoilt(err)
		}
		if size > LargestRecord {
			damage, err := b.oversize(u.stream, size)
			if err != nil {
				return at, spoilt(err)
			}
			if damage.Offset >= from {
				return damage.Offset, damage
			}
			continue
		}
		ok, err := b.visit(body, from, r, visit)
		switch {
		case err != nil:
			return r.Offset, err
		case !ok:
			return at, spoilt(errors.New("the lengths of a record do not fit"))
		}
		at = max(at, r.Offset+1)
	}
	return at, nil
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
