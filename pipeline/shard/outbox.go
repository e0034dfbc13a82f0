package shard

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// fullBatch is where a publication ends: well below the largest batch that a broker takes by default (1 MiB).
const fullBatch = 768 << 10

// outbox collects the next publication of one shard, already as the batches that go on the wire.
//
// Invariant: it is empty between turns, so that no state is saved whose record is not acknowledged.
type outbox struct {
	memberships wire.Builder
	changes     wire.Builder // of the log of changes; empty unless tells
	tells       bool         // there is a log of changes
	rows        []change     // those that the records are about
	templates   [len(kinds) * len(reasons)]template
	telling     [len(kinds)]template
	now         int64  // ms; timestamp of the batch: Kafka counts compaction lag from it, so it is not that of the cause
	key         []byte // scratch
	value       []byte
	headers     []byte
}

// change is a row in a publication.
type change struct {
	*expansion
	row int32
	kind
	cause
	toldOnly bool // only the log of changes has a record: the membership is as it should be
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
	id    int // offset of the id, which is as long as the placeholder
}

func (b *outbox) size() int { return max(b.memberships.Size(), b.changes.Size()) }

func (b *outbox) full() bool { return b.size() >= fullBatch }

func (b *outbox) reset() {
	b.memberships.Reset()
	b.changes.Reset()
	b.rows = b.rows[:0]
}

// add appends the records that bring a customer's published state from was to is, and what the log of changes says from told.
func (b *outbox) add(customer []byte, e *expansion, row int, was, told, is cache.State, c cause) {
	if len(b.rows) == 0 {
		b.now = time.Now().UnixMilli()
	}
	kind := kindOf(was, is)
	b.key = append(append(append(b.key[:0], e.id...), '/'), customer...)
	if is != was {
		b.addMembership(customer, e, kind, is, c)
	}
	if b.tells && is != told {
		b.addChange(customer, e, told, is, c)
	}
	b.rows = append(b.rows, change{e, int32(row), kind, c, is == was})
}

func (b *outbox) addMembership(customer []byte, e *expansion, kind kind, is cache.State, c cause) {
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
	b.memberships.Add(b.now, b.key, value, headers)
}

// header returns the headers of a kind and a cause, with the id.
func (b *outbox) header(k kind, c cause) wire.Headers {
	t := &b.templates[int(k)*len(reasons)+int(c.by)]
	if t.bytes == nil {
		*t = newTemplate(kinds[k], wire.Header{Key: schemas.HeaderCause, Value: []byte(reasons[c.by])})
	}
	return b.fill(t, c)
}

// fill returns the headers of a template with the id: a hash of the record's key and the cause's position.
func (b *outbox) fill(t *template, c cause) wire.Headers {
	var position [9]byte
	position[0] = c.input
	binary.LittleEndian.PutUint64(position[1:], uint64(c.offset))
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], xxhash.Sum64(b.key)*31+xxhash.Sum64(position[:]))
	b.headers = append(b.headers[:0], t.bytes...)
	base64.RawURLEncoding.Encode(b.headers[t.id:], id[:]) // shorter than digits: no compression takes the chance out of it
	return b.headers
}

func newTemplate(kind string, more ...wire.Header) template {
	const placeholder = "eight-bytes" // in base64, which takes 11
	bytes := wire.AppendHeaders(nil, append([]wire.Header{
		{Key: schemas.HeaderID, Value: []byte(placeholder)},
		{Key: schemas.HeaderSpecVersion, Value: []byte("1.0")},
		{Key: schemas.HeaderSource, Value: []byte("kindred")},
		{Key: schemas.HeaderType, Value: []byte(kind)},
		{Key: schemas.HeaderContentType, Value: []byte("application/json")},
	}, more...)...)
	// A varint count, the key's length and the key, the value's length: the id comes first.
	return template{bytes, 1 + 1 + len(schemas.HeaderID) + 1}
}

// publish writes what is in the outbox and waits for Kafka. After an error nobody knows which of the records are there: their
// states become unknown, and their rows are touched, so that they are reconciled again.
func (o *Owner) publish(ctx context.Context) error {
	defer o.release()
	n := len(o.out.rows)
	if n == 0 {
		return nil
	}
	if err := o.appendAll(ctx); err != nil {
		for _, c := range o.out.rows {
			c.expansion.published.Set(int(c.row), cache.Unknown)
			if o.told != nil {
				o.told.set(c.expansion.id, int(c.row), cache.Unknown)
			}
			o.touched = append(o.touched, touchedRow{c.row, c.cause})
		}
		o.out.reset()
		if errors.Is(err, wire.ErrAbandoned) {
			o.Log.Warn("a publication was abandoned; its customers are reconciled again", "shard", o.Shard, "records", n, "error", err)
			return nil
		}
		return err
	}
	o.count(o.out.rows)
	o.out.reset()
	return nil
}

// appendAll appends the memberships and their changes, and returns when neither is under way any more.
func (o *Owner) appendAll(ctx context.Context) error {
	if o.out.changes.Len() > 0 {
		return o.appendBoth(ctx)
	}
	ack, err := o.appendTo(ctx, membershipsInput, &o.out.memberships)
	if err == nil {
		o.inputs.acknowledged(membershipsInput, ack.Base, o.out.memberships.Len())
	}
	return err
}

// appendBoth appends them side by side.
func (o *Owner) appendBoth(ctx context.Context) error {
	var group sync.WaitGroup
	var told wire.Ack
	var toldErr error
	group.Go(func() { told, toldErr = o.appendTo(ctx, changesInput, &o.out.changes) })
	ack, err := o.appendTo(ctx, membershipsInput, &o.out.memberships)
	group.Wait()
	if err = errors.Join(err, toldErr); err != nil {
		return err
	}
	o.inputs.acknowledged(membershipsInput, ack.Base, o.out.memberships.Len())
	o.inputs.acknowledged(changesInput, told.Base, o.out.changes.Len())
	return nil
}

// appendTo appends a batch to the partition of a topic that the owner writes.
func (o *Owner) appendTo(ctx context.Context, input int, batch *wire.Builder) (wire.Ack, error) {
	if batch.Len() == 0 {
		return wire.Ack{}, nil
	}
	return o.Publisher.Publish(ctx, o.inputs.topics[input], o.Shard, batch)
}

// count adds acknowledged changes to the statistics and to the progress of their runs.
func (o *Owner) count(changes []change) {
	o.saving.dirty = true
	now := time.Now()
	for _, c := range changes {
		if c.toldOnly {
			continue
		}
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
