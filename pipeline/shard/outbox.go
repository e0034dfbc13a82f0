package shard

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// fullBatch is where a publication ends: well below the largest batch that a broker takes by default (1 MiB).
const fullBatch = 768 << 10

// outbox collects the next publication of one shard, already as the batch that goes on the wire.
//
// Invariant: it is empty between turns, so that no state is saved whose record is not acknowledged.
type outbox struct {
	batch     wire.Builder
	changes   []change // of the batch's records, in their order
	templates [len(kinds) * len(reasons)]template
	now       int64  // ms; timestamp of the batch: Kafka counts compaction lag from it, so it is not that of the cause
	key       []byte // scratch
	value     []byte
	headers   []byte
}

// change is one record of a publication: a row whose published state changes.
type change struct {
	*expansion
	row int32
	kind
	cause
	was, is cache.State
}

// kind is the CloudEvents type of a membership record.
type kind uint8

const (
	entered kind = iota
	left
	changed
)

var kinds = [...]string{schemas.TypeMembershipEntered, schemas.TypeMembershipLeft, schemas.TypeMembershipChanged}

func kindOf(was, is cache.State) kind {
	switch {
	case is == cache.None:
		return left
	case was == cache.None:
		return entered
	}
	return changed
}

// template is the headers of a record, with room for the id. Copying it is quicker than composing the headers.
type template struct {
	bytes []byte
	id    int // offset of the id's 16 hexadecimal digits
}

func (b *outbox) full() bool { return b.batch.Size() >= fullBatch }

func (b *outbox) reset() {
	b.batch.Reset()
	b.changes = b.changes[:0]
}

// add appends the record that brings a customer's published state from was to is.
func (b *outbox) add(customer []byte, e *expansion, row int, was, is cache.State, c cause) {
	kind := kindOf(was, is)
	b.key = append(append(append(b.key[:0], e.id...), '/'), customer...)
	var value []byte
	headers := b.header(kind, c)
	if is == cache.None {
		headers = wire.AppendHeaders(headers,
			wire.Header{Key: schemas.HeaderEpoch, Value: strconv.AppendInt(nil, e.model.Epoch, 10)},
			wire.Header{Key: schemas.HeaderRunID, Value: []byte(e.model.RunID)})
		b.headers = headers
	} else {
		b.value = schemas.AppendMembership(b.value[:0], e.id, customer, is.Score(), is.Band(), e.model.Epoch, e.model.RunID, c.at)
		value = b.value
	}
	if len(b.changes) == 0 {
		b.now = time.Now().UnixMilli()
	}
	b.batch.Add(b.now, b.key, value, headers)
	b.changes = append(b.changes, change{e, int32(row), kind, c, was, is})
}

// header returns the headers of a kind and a cause, with the id: a hash of the record's key and the cause's position.
func (b *outbox) header(k kind, c cause) wire.Headers {
	t := &b.templates[int(k)*len(reasons)+int(c.by)]
	if t.bytes == nil {
		*t = newTemplate(k, c.by)
	}
	var position [9]byte
	position[0] = c.input
	binary.LittleEndian.PutUint64(position[1:], uint64(c.offset))
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], xxhash.Sum64(b.key)*31+xxhash.Sum64(position[:]))
	b.headers = append(b.headers[:0], t.bytes...)
	hex.Encode(b.headers[t.id:], id[:])
	return b.headers
}

func newTemplate(k kind, by reason) template {
	const placeholder = "0123456789abcdef"
	bytes := wire.AppendHeaders(nil,
		wire.Header{Key: schemas.HeaderID, Value: []byte(placeholder)},
		wire.Header{Key: schemas.HeaderSpecVersion, Value: []byte("1.0")},
		wire.Header{Key: schemas.HeaderSource, Value: []byte("kindred")},
		wire.Header{Key: schemas.HeaderType, Value: []byte(kinds[k])},
		wire.Header{Key: schemas.HeaderContentType, Value: []byte("application/json")},
		wire.Header{Key: schemas.HeaderCause, Value: []byte(reasons[by])},
	)
	// A varint count, the key's length and the key, the value's length: the id comes first.
	return template{bytes, 1 + 1 + len(schemas.HeaderID) + 1}
}

// publish writes what is in the outbox and waits for Kafka. After an error it is not known which records are in the log:
// their states become unknown, and their rows are touched, so that they are reconciled again.
func (o *Owner) publish(ctx context.Context) error {
	defer o.release()
	n := len(o.out.changes)
	if n == 0 {
		return nil
	}
	ack, err := o.Publisher.Publish(ctx, o.inputs.topics[membershipsInput], o.Shard, &o.out.batch)
	if err != nil {
		for _, c := range o.out.changes {
			c.expansion.published.Set(int(c.row), cache.Unknown)
			o.touched = append(o.touched, touchedRow{c.row, c.cause})
		}
		o.out.reset()
		if errors.Is(err, wire.ErrAbandoned) {
			o.Log.Warn("a publication was abandoned; its customers are reconciled again", "shard", o.Shard, "records", n, "error", err)
			return nil
		}
		return err
	}
	o.inputs.acknowledged(ack.Base, n)
	o.count(o.out.changes)
	o.out.reset()
	return nil
}

// count adds acknowledged changes to the statistics and to the progress of their runs.
func (o *Owner) count(changes []change) {
	o.saving.dirty = true
	now := time.Now()
	for _, c := range changes {
		o.Stats.Published[c.kind].Add(1)
		if c.ofEvent() {
			o.Stats.Latency.add(now.Sub(time.UnixMilli(c.at)))
		}
		if !c.by.ofRun() {
			continue
		}
		switch c.kind {
		case entered:
			c.progress.Entered++
		case left:
			c.progress.Left++
		case changed:
			c.progress.Changed++
		}
	}
}
