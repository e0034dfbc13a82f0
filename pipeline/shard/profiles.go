package shard

import (
	"bytes"
	"fmt"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// applyProfile sets a customer's whole profile. A tombstone erases it; without consent only id and flag are kept.
func (o *Owner) applyProfile(r *wire.Record) error {
	row, known := o.mirror.Find(r.Key)
	if known && o.backlog.overtaken(profilesInput, nil, row) {
		return nil // of the same key as a record that was taken
	}
	if err := schemas.ValidCustomerID(r.Key); err != nil {
		return err
	}
	if right := o.Partitioner.Partition(r.Key, o.Shards); right != o.Shard {
		return o.wrongPartition(r.Key, right)
	}
	if schemas.IsJSONKey(r.Key) {
		o.Stats.JSONKeys.Add(1)
	}
	p := &o.decoded
	gone, err := schemas.Read(r, func(_, value []byte) error { return p.Decode(value) })
	if err != nil {
		return err
	}
	if gone {
		if !known && o.backlog.olderLeft() {
			row, known = o.mirror.Take(r.Key), true
		}
		if !known {
			return nil
		}
		if o.mirror.EraseProfile(row) {
			o.touch(row, byErasure, profilesInput, r)
		}
		o.backlog.tell(profilesInput, nil, row)
		return nil
	}
	if len(p.CustomerID) > 0 && !bytes.Equal(p.CustomerID, r.Key) {
		return otherKey(r.Key)
	}
	if len(p.Unknown) > 0 && o.Stats.Unknown != nil {
		o.Stats.Unknown(p.Unknown)
	}
	if !known {
		row = o.mirror.Take(r.Key)
	}
	by := byProfile
	if !p.Profiling {
		by = byConsent
	}
	if o.mirror.SetProfile(row, p) {
		o.touch(row, by, profilesInput, r)
	}
	o.backlog.tell(profilesInput, nil, row)
	return nil
}

// otherKey returns the error of a value that names another customer than its key.
func otherKey(key []byte) error {
	why := &schemas.Malformed{Code: schemas.KeyMismatch, Message: "customerId is not the record's key"}
	if schemas.IsJSONKey(key) {
		why.Message += ", which is JSON; have keys written as plain text (in Kafka Connect by org.apache.kafka.connect.storage.StringConverter)"
	}
	return why
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
