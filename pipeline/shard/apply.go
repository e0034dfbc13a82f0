package shard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// touch is a row that an input has changed, and what to tell of the cause.
type touch struct {
	row int32
	cause
}

// cause is the record that made a membership change.
type cause struct {
	why    why
	input  uint8 // index of the topic
	offset int64
	at     int64 // ms since 1970
}

// why is the word in the header kindred.cause.
type why uint8

const (
	becauseRun why = iota
	becauseProfile
	becauseSegment
	becauseConsent
	becauseErasure
	becauseDelete
	becauseRepair
)

var whys = [...]string{"run", "profile", "segment", "consent", "erasure", "delete", "repair"}

// apply brings a batch into the mirror. Records that cannot be read are dead letters, acknowledged before it returns.
func (o *Owner) apply(ctx context.Context, batch []wire.Fetched) error {
	for _, f := range batch {
		input := o.inputs.index(f.Topic)
		next, err := f.Each(func(r *wire.Record) error {
			if input == membershipsInput && r.Offset < o.inputs.at[input] {
				return nil // an acknowledgement was here first
			}
			o.applyOne(input, r)
			if o.dead.batch.Size() >= fullBatch {
				return o.sendDeadLetters(ctx)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read %s partition %d: %w", f.Topic, f.Partition, err)
		}
		if err := o.sendDeadLetters(ctx); err != nil {
			return err
		}
		o.inputs.applied(input, next)
		if len(f.Data) > smallBatch {
			o.decoded = schemas.Profile{} // it aliases the last record, and so keeps the batch
		}
	}
	return nil
}

// smallBatch is how many bytes a shard at rest may keep of what it has read last.
const smallBatch = 64 << 10

// applyOne applies a record; whatever goes wrong in it concerns this record alone.
func (o *Owner) applyOne(input int, r *wire.Record) {
	defer func() {
		if p := recover(); p != nil {
			o.Log.Error("a record stopped its handler", "topic", o.inputs.topics[input], "offset", r.Offset, "panic", fmt.Sprint(p))
			o.reject(input, r, &schemas.Malformed{Code: "handler_panic", Message: "the record stopped its handler"})
		}
	}()
	o.Stats.Applied[input].Add(1)
	var err error
	switch input {
	case profilesInput:
		err = o.applyProfile(r)
	case segmentsInput:
		err = o.applySegment(r)
	case modelsInput:
		err = o.applyModel(r)
	case membershipsInput:
		err = o.applyMembership(r)
	}
	var malformed *schemas.Malformed
	switch {
	case errors.As(err, &malformed):
		o.reject(input, r, malformed)
	case err != nil:
		o.reject(input, r, &schemas.Malformed{Code: "schema", Message: err.Error()})
	}
}

// mostTouched bounds what a take-over remembers of causes. Its pass sees every row anyway.
const mostTouched = 1 << 12

func (o *Owner) touch(row int, why why, input int, r *wire.Record) {
	if o.caught.Load() || len(o.touched) < mostTouched {
		o.touched = append(o.touched, touch{int32(row), cause{why, uint8(input), r.Offset, r.Timestamp}})
	}
}

// applyProfile sets a customer's whole profile. A tombstone erases it; without consent only id and flag are kept.
func (o *Owner) applyProfile(r *wire.Record) error {
	if err := schemas.ValidCustomerID(r.Key); err != nil {
		return err
	}
	if right := o.Partitioner.Partition(r.Key, o.Shards); right != o.Shard {
		return o.wrongPartition(r.Key, right)
	}
	if r.Value == nil {
		if row, known := o.mirror.Find(r.Key); known && o.mirror.EraseProfile(row) {
			o.touch(row, becauseErasure, profilesInput, r)
		}
		return nil
	}
	value, err := schemas.Payload(r.Headers, r.Value)
	if err != nil {
		return err
	}
	p := &o.decoded
	if err := p.Decode(value); err != nil {
		return err
	}
	if len(p.CustomerID) > 0 && !bytes.Equal(p.CustomerID, r.Key) {
		return &schemas.Malformed{Code: "key_mismatch", Message: "customerId is not the record's key"}
	}
	row := o.mirror.Take(r.Key)
	why := becauseProfile
	if !p.Profiling {
		why = becauseConsent
	}
	if o.mirror.SetProfile(row, p) {
		o.touch(row, why, profilesInput, r)
	}
	return nil
}

// wrongPartition names the partitioner that would have put the key here.
func (o *Owner) wrongPartition(key []byte, right int) error {
	for _, other := range []schemas.Partitioner{schemas.Murmur2, schemas.CRC32} {
		if other != o.Partitioner && other.Partition(key, o.Shards) == o.Shard {
			return &schemas.Malformed{Code: "wrong_partition", Message: fmt.Sprintf(
				"the key belongs in partition %d by %s; %s would have put it here", right, o.Partitioner, other)}
		}
	}
	return &schemas.Malformed{Code: "wrong_partition", Message: fmt.Sprintf("the key belongs in partition %d by %s", right, o.Partitioner)}
}

// applySegment takes a customer into a segment or out of it, or ends a snapshot, or learns how far the router has got.
func (o *Owner) applySegment(r *wire.Record) error {
	segment, customer, ok := schemas.SplitKey(r.Key)
	switch {
	case !ok:
		return &schemas.Malformed{Code: "schema", Message: "the key is not segment/customer"}
	case len(segment) == 0:
		return o.applyThrough(r)
	case len(customer) == 0:
		return o.applyMark(string(segment), r)
	}
	text, _ := r.Headers.Get(schemas.HeaderSnapshot)
	number, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return &schemas.Malformed{Code: "schema", Message: "the header " + schemas.HeaderSnapshot + " is not a number"}
	}
	present := o.mirror.Segment(string(segment)).Number()
	if r.Value == nil && number <= present {
		if _, known := o.mirror.Find(customer); !known {
			return nil // nobody to take out
		}
	}
	row := o.mirror.Take(customer)
	if number > present {
		if _, open := o.collecting[string(segment)]; !open {
			o.collecting[string(segment)] = r.Offset
		}
	}
	if o.mirror.SetMember(string(segment), row, r.Value != nil, number) {
		o.touch(row, becauseSegment, segmentsInput, r)
	}
	return nil
}

func (o *Owner) applyThrough(r *wire.Record) error {
	var through struct {
		Offset int64 `json:"offset"`
	}
	if err := json.Unmarshal(r.Value, &through); err != nil {
		return &schemas.Malformed{Code: "schema", Message: "a through record must hold an offset"}
	}
	o.meta.Through = max(o.meta.Through, through.Offset)
	return nil
}

// applyMark makes a snapshot count that is now complete.
func (o *Owner) applyMark(segment string, r *wire.Record) error {
	var mark struct {
		Snapshot int64 `json:"snapshot"`
		Gone     bool  `json:"gone"`
	}
	if err := json.Unmarshal(r.Value, &mark); err != nil {
		return &schemas.Malformed{Code: "schema", Message: "a mark must hold a snapshot's number"}
	}
	held, open := o.collecting[segment]
	delete(o.collecting, segment)
	if !open {
		held = r.Offset
	}
	if o.mirror.Mark(segment, mark.Snapshot, mark.Gone) {
		o.segmentPass(segment, held, cause{becauseSegment, segmentsInput, r.Offset, r.Timestamp})
	}
	return nil
}

// applyMembership takes in what was published. While catching up it is what was published last, by whomever. Later a
// record that is not of this life makes the state unknown, and the customer is reconciled, which always answers.
func (o *Owner) applyMembership(r *wire.Record) error {
	expansion, customer, ok := schemas.SplitKey(r.Key)
	if !ok || schemas.ValidExpansionID(string(expansion)) != nil || schemas.ValidCustomerID(customer) != nil {
		return &schemas.Malformed{Code: "schema", Message: "the key is not expansion/customer"}
	}
	if o.caught.Load() && r.ProducerID == o.Publisher.ProducerID() && r.ProducerID >= 0 {
		return nil
	}
	state, err := o.readState(string(expansion), r) // unknown when it cannot be read
	if o.caught.Load() && o.expansions[string(expansion)] != nil {
		state = cache.Unknown
	}
	row, known := o.mirror.Find(customer)
	if !known && state == cache.None {
		return nil
	}
	if !known {
		row = o.mirror.Take(customer)
	}
	o.mirror.Published(string(expansion), true).Set(row, state)
	if o.caught.Load() { // else the cause of a difference is to be found in the other inputs
		o.touch(row, becauseRepair, membershipsInput, r)
	}
	return err
}

// readState reads a membership record and counts it for its run.
func (o *Owner) readState(expansion string, r *wire.Record) (cache.State, error) {
	kind, _ := r.Headers.Get(schemas.HeaderType)
	because, _ := r.Headers.Get(schemas.HeaderCause)
	run := string(because) == whys[becauseRun] || string(because) == whys[becauseDelete]
	if r.Value == nil {
		if run {
			epoch, _ := r.Headers.Get(schemas.HeaderEpoch)
			number, _ := strconv.ParseInt(string(epoch), 10, 64)
			id, _ := r.Headers.Get(schemas.HeaderRunID)
			o.readBack(expansion, number, id, kind)
		}
		return cache.None, nil
	}
	score, band, epoch, runID, err := schemas.ReadMembership(r.Value)
	if err != nil {
		return cache.Unknown, err
	}
	if run {
		o.readBack(expansion, epoch, runID, kind)
	}
	return cache.PackState(band, score), nil
}

// readBack counts a record of a run that this or an earlier owner published and did not save.
func (o *Owner) readBack(expansion string, epoch int64, runID, kind []byte) {
	p := o.progress(expansion)
	if epoch > p.Epoch {
		*p = cache.Progress{Epoch: epoch, RunID: string(runID)}
	}
	if epoch == p.Epoch {
		switch string(kind) {
		case schemas.TypeMembershipEntered:
			p.Entered++
		case schemas.TypeMembershipLeft:
			p.Left++
		case schemas.TypeMembershipChanged:
			p.Changed++
		}
	}
}
