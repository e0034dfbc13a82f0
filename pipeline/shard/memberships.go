package shard

import (
	"bytes"
	"strconv"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// applyMembership takes in what was published, by whomever. While the owner catches up, the last record of a customer is
// what was published. Later, a record with another producer id than ours makes the state unknown, and the customer is
// reconciled, which always publishes an answer.
func (o *Owner) applyMembership(r *wire.Record) error {
	expansion, customer, ok := schemas.SplitKey(r.Key)
	row, known := o.mirror.Find(customer)
	overtaken := ok && known && o.backlog.overtaken(membershipsInput, expansion, row) // of the same key as a record that was taken
	switch {
	case overtaken && !o.ofRun(r):
		return nil
	case !overtaken && (!ok || schemas.ValidExpansionID(string(expansion)) != nil || schemas.ValidCustomerID(customer) != nil):
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "the key is not expansion/customer"}
	case o.caughtUp.Load() && r.ProducerID == o.Publisher.ProducerID() && r.ProducerID >= 0:
		return nil
	}
	id := o.expansionID(expansion)
	state, err := o.readState(id, r) // unknown when it cannot be read
	if o.caughtUp.Load() && (o.expansions[id] != nil || o.Changes != "") {
		state = cache.Unknown // without a model, too, where the log of changes has to say the same
	}
	if overtaken || !known && state == cache.None && !o.backlog.olderLeft() {
		return err
	}
	if !known {
		row = o.mirror.Take(customer)
	}
	o.backlog.tell(membershipsInput, expansion, row)
	if !o.caughtUp.Load() {
		state = o.told.published(id, row, state)
	}
	o.mirror.Published(id, true).Set(row, state)
	if o.caughtUp.Load() { // else the pass that ends the take-over reconciles it
		o.touch(row, byRepair, membershipsInput, r)
	}
	return err
}

// expansionID returns the id as a string, for which there is memory already if there is a model.
func (o *Owner) expansionID(id []byte) string {
	if e := o.expansions[string(id)]; e != nil {
		return e.id
	}
	return string(id)
}

// ofRun reports whether a run has published a membership, or a deletion, which is one too. Behind the id, which comes first, the
// headers of memberships are mostly those of one of the last records: they are looked through only once.
func (o *Owner) ofRun(r *wire.Record) bool {
	id, rest := r.Headers.First()
	if string(id) != schemas.HeaderID || len(rest) > longestSeen {
		return saysRun(r.Headers)
	}
	for i := range o.headersSeen.last {
		if seen := &o.headersSeen.last[i]; bytes.Equal(seen.rest, rest) {
			return seen.run
		}
	}
	return o.headersSeen.learn(rest, saysRun(r.Headers))
}

func saysRun(h wire.Headers) bool {
	by, _ := h.Get(schemas.HeaderCause)
	return string(by) == schemas.ByRun || string(by) == schemas.ByDelete
}

const longestSeen = 1 << 10

// headersSeen are the headers of the last memberships, without the id, that differ from each other.
type headersSeen struct {
	last [4]struct {
		rest []byte
		run  bool
	}
	oldest int
}

func (s *headersSeen) learn(rest []byte, run bool) bool {
	seen := &s.last[s.oldest]
	seen.rest, seen.run = append(seen.rest[:0], rest...), run
	s.oldest = (s.oldest + 1) % len(s.last)
	return run
}

// readState returns the state that a membership record says, and counts the record for its run.
func (o *Owner) readState(expansion string, r *wire.Record) (cache.State, error) {
	run := o.ofRun(r)
	if r.Value == nil {
		if run {
			epoch, _ := r.Headers.Get(schemas.HeaderEpoch)
			number, _ := strconv.ParseInt(string(epoch), 10, 64)
			id, _ := r.Headers.Get(schemas.HeaderRunID)
			o.readBack(expansion, number, id, r)
		}
		return cache.None, nil
	}
	score, band, epoch, runID, err := schemas.ReadMembership(r.Value)
	if err != nil {
		return cache.Unknown, err
	}
	if run {
		o.readBack(expansion, epoch, runID, r)
	}
	return cache.PackState(band, score), nil
}

// readBack counts a record of a run that this or an earlier owner published and did not save.
func (o *Owner) readBack(expansion string, epoch int64, runID []byte, r *wire.Record) {
	p := o.progress(expansion)
	if epoch > p.Epoch {
		*p = cache.Progress{Epoch: epoch, RunID: string(runID)}
	}
	if epoch == p.Epoch {
		kind, _ := r.Headers.Get(schemas.HeaderType)
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
