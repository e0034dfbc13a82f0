package shard

import (
	"bytes"
	"fmt"

	"kindred/schemas"
	"kindred/schemas/wire"
)

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
			o.touch(row, byErasure, profilesInput, r)
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
		return &schemas.Malformed{Code: schemas.KeyMismatch, Message: "customerId is not the record's key"}
	}
	row := o.mirror.Take(r.Key)
	by := byProfile
	if !p.Profiling {
		by = byConsent
	}
	if o.mirror.SetProfile(row, p) {
		o.touch(row, by, profilesInput, r)
	}
	return nil
}

// wrongPartition returns the error of a key that belongs in another partition. It names the partitioner that would have
// put it here, if one is known that would.
func (o *Owner) wrongPartition(key []byte, right int) error {
	for _, other := range []schemas.Partitioner{schemas.Murmur2, schemas.CRC32} {
		if other != o.Partitioner && other.Partition(key, o.Shards) == o.Shard {
			return &schemas.Malformed{Code: schemas.WrongPartition, Message: fmt.Sprintf(
				"the key belongs in partition %d by %s; %s would have put it here", right, o.Partitioner, other)}
		}
	}
	return &schemas.Malformed{Code: schemas.WrongPartition, Message: fmt.Sprintf("the key belongs in partition %d by %s", right, o.Partitioner)}
}
