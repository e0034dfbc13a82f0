// Package oracle is the judge: it works out who should be a member of which expansion, with what score and band, from
// the records of the topics alone. It is slow and plain on purpose: maps, and one pass over the records.
//
// It promises the answer of a single quiet pass over the inputs, which is what the pipeline must converge to. It shares
// no code with the stages that it judges; of package model it uses only the types and their decoding.
//
// It does not know two things that an owner knows: that a shard once had more than 254 values of a field, has fewer now, and
// waits until all who have one are set again; and that a field has no place. Models learn from no such field, so this matters
// only to an older model.
package oracle

import (
	"bytes"
	"fmt"

	"kindred/pipeline/model"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// Oracle takes in records and then says who is a member. Records of a partition must come in their order; partitions and
// topics may come in any order. Give it either segment-changes, to judge the router too, or segment-members, which Kafka
// keeps for ever. Snapshots that the router may have given up by its clock, an hour without a part, are told by segments,
// which must then come before segment-changes.
type Oracle struct {
	Shards      int // partitions of profiles; must be given
	Partitioner schemas.Partitioner
	Flat        bool // profiles are rows, see schemas.Profile

	profiles map[string][]byte       // by customer: the last profile that could be read
	models   map[string]*model.Model // by expansion: that of the highest epoch
	segments map[string]*segment     // by id, from segment-changes
	givenUp  map[string]bool         // by segment/snapshot: those that the router has dropped, from segments
	routed   map[string]*routed      // by id, from segment-members
	scratch  schemas.Profile
}

// Apply takes in a record of a topic, whose name is without the prefix. For a record that must become a dead letter it
// returns a *schemas.Malformed, and the record has no effect. Topics that decide nothing are ignored.
func (o *Oracle) Apply(topic string, partition int, r *wire.Record) error {
	switch topic {
	case schemas.Profiles:
		return o.profile(partition, r)
	case schemas.Models:
		return o.model(r)
	case schemas.SegmentChanges:
		return o.change(r)
	case schemas.Segments:
		return o.remembered(r)
	case schemas.SegmentMembers:
		return o.member(partition, r)
	}
	return nil
}

// profile replaces or erases a customer's profile.
func (o *Oracle) profile(partition int, r *wire.Record) error {
	if err := schemas.ValidCustomerID(r.Key); err != nil {
		return err
	}
	if right := o.Partitioner.Partition(r.Key, o.Shards); right != partition {
		return &schemas.Malformed{Code: schemas.WrongPartition, Message: fmt.Sprintf("the key belongs in partition %d", right)}
	}
	var profile []byte // without envelopes
	o.scratch.Flat = o.Flat
	gone, err := schemas.Read(r, func(_, value []byte) error {
		profile = value
		return o.scratch.Decode(value)
	})
	if err != nil {
		return err
	}
	if gone {
		delete(o.profiles, string(r.Key))
		return nil
	}
	if id := o.scratch.CustomerID; len(id) > 0 && !bytes.Equal(id, r.Key) {
		return &schemas.Malformed{Code: schemas.KeyMismatch, Message: "the value names another customer than the key"}
	}
	if o.profiles == nil {
		o.profiles = map[string][]byte{}
	}
	o.profiles[string(r.Key)] = bytes.Clone(profile)
	return nil
}

// model keeps a model unless a later attempt is known. Only a deletion ends an expansion: a null value does not.
func (o *Oracle) model(r *wire.Record) error {
	if r.Value == nil {
		return nil
	}
	m, err := model.Decode(r.Value)
	if err != nil {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: err.Error()}
	}
	if o.models == nil {
		o.models = map[string]*model.Model{}
	}
	if known := o.models[string(r.Key)]; known == nil || m.Epoch > known.Epoch {
		o.models[string(r.Key)] = m
	}
	return nil
}
