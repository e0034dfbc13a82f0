package shard

import (
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// The log of changes is the topic membership-changes: it says in values what memberships says with tombstones. Both are written at
// the same time, and both are read back. A crash may leave a record in one of them only, and another producer may write to either.
// So where the two differ when a shard is taken over, and where somebody else writes later, the state is unknown, and is answered
// in both. Whoever applies a partition's changes in their order ends with the members that are published. A change may come twice,
// but what is known to be in the log is not written again.

// told is what a take-over has read of the log of changes, and what was written there since. It is dropped once every row has
// been compared with it.
type told struct {
	from int64 // offset at which reading began; saved in place of a later one until told is dropped
	all  bool  // nobody knows what the log says of a member of whom nothing was read; else it says what is published

	last map[string]states // what the log says, by expansion
	read map[string]states // what memberships said while the owner caught up; empty when all
}

// states are states of some rows.
type states map[int32]cache.State

func put(all map[string]states, expansion string, row int, state cache.State) {
	if all[expansion] == nil {
		all[expansion] = states{}
	}
	all[expansion][int32(row)] = state
}

// loadChanges goes on where the cache has got to in the log of changes. Where the cache is of another log, or of none, the log is
// read from its start, and everybody is compared with what it says.
func (o *Owner) loadChanges() {
	o.told, o.out.tells = nil, o.Changes != ""
	if o.Changes == "" {
		o.inputs.topics[changesInput], o.inputs.at[changesInput], o.meta.Changes = "", 0, ""
		return
	}
	o.inputs.topics[changesInput] = o.Prefix.Topic(schemas.MembershipChanges)
	if o.meta.Changes == o.Changes {
		o.inputs.at[changesInput] = o.meta.Offsets.Changes
		return
	}
	o.beginChanges()
}

// beginChanges reads the log of changes from its start, and knows nothing of what is not there.
func (o *Owner) beginChanges() {
	o.meta.Changes, o.inputs.at[changesInput], o.inputs.own[changesInput].acked = "", 0, 0
	o.told = newTold(0)
	o.told.all = true
}

func newTold(from int64) *told {
	return &told{from: from, last: map[string]states{}, read: map[string]states{}}
}

// readChanges prepares for reading the log of changes before anything is published.
func (o *Owner) readChanges() {
	if o.Changes != "" && o.told == nil {
		o.told = newTold(o.inputs.at[changesInput])
	}
}

// get returns what the log says of a row whose published state is was.
func (t *told) get(expansion string, row int, was cache.State) cache.State {
	if state, read := t.last[expansion][int32(row)]; read {
		return state
	}
	if t.all && was != cache.None {
		return cache.Unknown
	}
	return was
}

func (t *told) set(expansion string, row int, state cache.State) { put(t.last, expansion, row, state) }

// has reports whether anything was read of a row.
func (t *told) has(expansion string, row int) bool {
	if t == nil {
		return false
	}
	_, read := t.last[expansion][int32(row)]
	return read
}

// published takes in a membership that is read back in a take-over, and returns the state that the row has for now: unknown,
// until its change is read as well. The change may be missing, or may lie before others of the same customer.
func (t *told) published(expansion string, row int, state cache.State) cache.State {
	if t == nil || t.all {
		return state
	}
	put(t.read, expansion, row, state)
	return cache.Unknown
}

// compareTold ends the reading of a take-over: a membership and a change that say the same are known again. The others stay
// unknown, so that both are written anew, as soon as there is a model if there is none yet.
func (o *Owner) compareTold() {
	if o.told == nil {
		return
	}
	for expansion, rows := range o.told.read {
		for row, state := range rows {
			if last, read := o.told.last[expansion][row]; read && last == state {
				o.mirror.Published(expansion, true).Set(int(row), state)
			}
		}
	}
	clear(o.told.read)
	for expansion := range o.told.last {
		o.mirror.Published(expansion, true)
	}
	for _, expansion := range o.mirror.Expansions() {
		if o.expansions[expansion] != nil {
			continue // the pass that ends the take-over compares it
		}
		published := o.mirror.Published(expansion, false)
		for row := range o.mirror.Rows() {
			if state := published.Get(row); o.told.get(expansion, row, state) != state {
				published.Set(row, cache.Unknown)
			}
		}
	}
}

// allTold notes that every row has been compared with the log of changes.
func (o *Owner) allTold() {
	if o.told != nil {
		o.told, o.meta.Changes = nil, o.Changes
		o.saving.hurry()
		o.release()
	}
}

// applyChange takes in a record of the log of changes, as applyMembership does one of memberships.
func (o *Owner) applyChange(r *wire.Record) error {
	expansion, customer, ok := schemas.SplitKey(r.Key)
	if !ok || schemas.ValidExpansionID(string(expansion)) != nil || schemas.ValidCustomerID(customer) != nil {
		return &schemas.Malformed{Code: schemas.WrongSchema, Message: "the key is not expansion/customer"}
	}
	caughtUp := o.caughtUp.Load()
	if caughtUp && r.ProducerID == o.Publisher.ProducerID() && r.ProducerID >= 0 {
		return nil
	}
	state := cache.Unknown
	is, err := schemas.ReadMembershipChange(r.Value)
	switch {
	case err != nil || caughtUp:
	case is.Member:
		state = cache.PackState(is.Band, is.Score)
	default:
		state = cache.None
	}
	row, known := o.mirror.Find(customer)
	if known && o.backlog.overtaken(changesInput, expansion, row) || !known && state == cache.None && !o.backlog.olderLeft() {
		return err
	}
	if !known {
		row = o.mirror.Take(customer)
	}
	o.backlog.tell(changesInput, expansion, row)
	if o.told != nil {
		o.told.set(string(expansion), row, state)
	}
	if caughtUp {
		o.mirror.Published(string(expansion), true).Set(row, cache.Unknown)
		o.touch(row, byRepair, changesInput, r)
	}
	return err
}

// addChange appends the record that brings what the log of changes says of a customer from told to is.
func (b *outbox) addChange(customer []byte, e *expansion, told, is cache.State, c cause) {
	kind := kindOf(told, is)
	t := &b.telling[kind]
	if t.bytes == nil {
		*t = newTemplate(changeTypes[kind])
	}
	b.value = schemas.AppendMembershipChange(b.value[:0], e.id, customer, Kinds[kind], rank(is), rank(told), reasons[c.by],
		e.model.Epoch, e.model.RunID, c.at)
	b.changes.Add(b.now, b.key, b.value, b.fill(t, c))
}

// changeTypes are the CloudEvents types of the log of changes, by kind.
var changeTypes = [...]string{entered: schemas.TypeChangeEntered, left: schemas.TypeChangeLeft, changed: schemas.TypeChangeChanged}

func rank(s cache.State) schemas.Rank {
	if !s.Member() {
		return schemas.Rank{}
	}
	return schemas.Rank{Member: true, Score: s.Score(), Band: s.Band()}
}
