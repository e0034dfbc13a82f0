package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kindred/consumers"
	"kindred/pipeline/oracle"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// downstream is a consumer of the compacted topic memberships, as an exporter is one. It knows only the records.
type downstream struct {
	world   *world
	at      []int64           // by partition
	members map[string]member // by expansion + "/" + customer
	unread  []movement

	mayRepeat bool // a process may be frozen while it publishes what its successor publishes, too
	repeated  int  // records that changed nothing
}

// member is a customer's place, and the record that said so last.
type member struct {
	oracle.Place
	schemas.Membership
}

// movement is one record.
type movement struct {
	key   string // expansion + "/" + customer
	kind  string // of schemas.TypeMembership...
	cause string
	runID string
	epoch int64
}

// consume reads to the present end.
func (d *downstream) consume() {
	w := d.world
	w.Helper()
	topic := w.kafka.prefix.Topic(schemas.Memberships)
	for partition, end := range w.ends(schemas.Memberships) {
		err := wire.ReadTo(w.Ctx, w.kafka.fetcher, wire.Position{Topic: topic, Partition: partition, Offset: d.at[partition]}, end, d.take)
		if err != nil {
			w.Fatalf("memberships, partition %d: %v", partition, err)
		}
		d.at[partition] = end
	}
}

func (d *downstream) take(r *wire.Record) error {
	header := func(name string) string { text, _ := r.Headers.Get(name); return string(text) }
	m := movement{key: string(r.Key), kind: header(schemas.HeaderType), cause: header(schemas.HeaderCause)}
	if m.cause == "" {
		return d.foreign(r) // not written by kindred
	}
	if (r.Value == nil) != (m.kind == schemas.TypeMembershipLeft) {
		return fmt.Errorf("%s: %s with value %q", m.key, m.kind, r.Value)
	}
	if r.Value == nil {
		m.runID = header(schemas.HeaderRunID)
		m.epoch, _ = strconv.ParseInt(header(schemas.HeaderEpoch), 10, 64)
		delete(d.members, m.key)
		d.unread = append(d.unread, m)
		return nil
	}
	now, err := readMember(r)
	if err != nil {
		return fmt.Errorf("%s: %w", m.key, err)
	}
	if was, is := d.members[m.key]; is && was.Place == now.Place && m.cause != "repair" {
		d.repeated++
		if d.mayRepeat {
			return nil
		}
		return fmt.Errorf("%s: a record (%s) that changes nothing", m.key, m.cause)
	}
	m.runID, m.epoch = now.RunID, now.Epoch
	d.members[m.key] = now
	d.unread = append(d.unread, m)
	return nil
}

func (d *downstream) foreign(r *wire.Record) error {
	delete(d.members, string(r.Key))
	return nil
}

// readMember reads a record strictly: whoever reads less strictly reads the same.
func readMember(r *wire.Record) (m member, err error) {
	if err := json.Unmarshal(r.Value, &m.Membership); err != nil {
		return m, err
	}
	if m.ExpansionID+"/"+m.CustomerID != string(r.Key) {
		return m, fmt.Errorf("the value is of %s/%s", m.ExpansionID, m.CustomerID)
	}
	m.Place.Band = slices.Index(schemas.BandNames[:], m.Membership.Band)
	m.Place.Score = int(m.Membership.Score*10000 + 0.5)
	exact := strconv.FormatFloat(float64(m.Place.Score)/10000, 'f', -1, 64)
	if !strings.Contains(string(r.Value), `"score":`+exact+`,`) || m.Place.Band < 0 || m.ChangedAt.IsZero() || m.RunID == "" || m.Epoch < 1 {
		return m, fmt.Errorf("the value is %s", r.Value)
	}
	return m, nil
}

// news returns what has been consumed since it was last asked.
func (d *downstream) news() []movement {
	news := d.unread
	d.unread = nil
	return news
}

// of returns the members of an expansion, by customer.
func (d *downstream) of(expansion string) map[string]oracle.Place {
	places := map[string]oracle.Place{}
	for key, m := range d.members {
		if id, customer, _ := strings.Cut(key, "/"); id == expansion {
			places[customer] = m.Place
		}
	}
	return places
}

// places returns all members of all expansions.
func (d *downstream) places() map[string]oracle.Place {
	places := map[string]oracle.Place{}
	for key, m := range d.members {
		places[key] = m.Place
	}
	return places
}

// ends are where the partitions of a topic end now.
func (w *world) ends(name string) []int64 {
	w.Helper()
	n, err := w.kafka.partitions(w.Ctx, name)
	w.OK(err)
	var of []consumers.Position
	for partition := range n {
		of = append(of, consumers.Position{Topic: w.kafka.prefix.Topic(name), Partition: partition})
	}
	ends, err := w.kafka.fetcher.Ends(w.Ctx, of)
	w.OK(err)
	return ends
}

// settle waits until every shard has taken in all that is in Kafka now. What that causes is then published.
func (w *world) settle() {
	w.Helper()
	through := w.end(schemas.SegmentChanges)
	profiles, members := w.ends(schemas.Profiles), w.ends(schemas.SegmentMembers)
	models, memberships := w.ends(schemas.Models), w.ends(schemas.Memberships)
	changes := make([]int64, shardsOfAWorld)
	if w.told {
		w.kafka.cluster.Outdated(w.Ctx) // serve made the topic
		changes = w.ends(schemas.MembershipChanges)
	}
	w.wait("the shards to take in what there is", func() string {
		metas, err := w.cache.ReadMetas(w.Ctx, shardsOfAWorld)
		w.OK(err)
		for shard, m := range metas {
			behind := func(what string, at, end int64) string {
				return fmt.Sprintf("shard %d: %s at %d of %d", shard, what, at, end)
			}
			switch {
			case m == nil || !m.Ready:
				return fmt.Sprintf("shard %d is not ready", shard)
			case m.Through < through:
				return behind("through", m.Through, through)
			case m.Offsets.Profiles < profiles[shard]:
				return behind("profiles", m.Offsets.Profiles, profiles[shard])
			case m.Offsets.SegmentMembers < members[shard]:
				return behind("segment-members", m.Offsets.SegmentMembers, members[shard])
			case m.Offsets.Models < models[shard]:
				return behind("models", m.Offsets.Models, models[shard])
			case m.Offsets.Memberships < memberships[shard]:
				return behind("memberships", m.Offsets.Memberships, memberships[shard])
			case m.Offsets.Changes < changes[shard]:
				return behind("membership-changes", m.Offsets.Changes, changes[shard])
			}
		}
		return ""
	})
	w.market.consume()
}

// agree waits until everything is taken in, and demands that whoever consumes memberships has exactly the members, scores
// and bands that the judge finds in the inputs.
func (w *world) agree() {
	w.Helper()
	w.settle()
	w.same("downstream and the judge", w.market.places(), w.judge())
	if w.told {
		w.same("who applies membership-changes and downstream", w.applied(), w.market.places())
	}
}

// applied returns the members whom a reader has who applies all membership-changes in the order of their partitions.
func (w *world) applied() map[string]oracle.Place {
	w.Helper()
	members := map[string]oracle.Place{}
	w.kafka.cluster.Outdated(w.Ctx) // serve made the topic
	for partition, end := range w.ends(schemas.MembershipChanges) {
		from := wire.Position{Topic: w.kafka.prefix.Topic(schemas.MembershipChanges), Partition: partition}
		w.OK(wire.ReadTo(w.Ctx, w.kafka.fetcher, from, end, func(r *wire.Record) error {
			var c schemas.MembershipChange
			if err := c.Decode(r.Key, r.Value); err != nil {
				return err
			}
			kind, _ := r.Headers.Get(schemas.HeaderType)
			if kind != nil && string(kind) != "kindred.membership-change."+c.Change || (c.Change == schemas.Left) != (c.Score == nil) {
				return fmt.Errorf("%s: %s with value %s", r.Key, kind, r.Value)
			}
			if delete(members, string(r.Key)); c.Score != nil {
				members[string(r.Key)] = oracle.Place{Score: int(*c.Score*10000 + 0.5), Band: slices.Index(schemas.BandNames[:], *c.Band)}
			}
			return nil
		}))
	}
	return members
}

// judge returns all members there should be.
func (w *world) judge() map[string]oracle.Place {
	w.Helper()
	judge := &oracle.Oracle{Shards: shardsOfAWorld}
	for _, name := range []string{schemas.Profiles, schemas.SegmentChanges, schemas.Models} {
		for partition, end := range w.ends(name) {
			w.OK(wire.ReadTo(w.Ctx, w.kafka.fetcher, wire.Position{Topic: w.kafka.prefix.Topic(name), Partition: partition}, end, func(r *wire.Record) error {
				_ = judge.Apply(name, partition, r) // a record that cannot be read has no effect
				return nil
			}))
		}
	}
	return judge.Memberships()
}

// same demands that two have the same members, with the same scores and bands.
func (w *world) same(whose string, got, want map[string]oracle.Place) {
	w.Helper()
	if maps.Equal(got, want) {
		return
	}
	var differ []string
	all := maps.Clone(got)
	maps.Copy(all, want)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		g, has := got[key]
		e, should := want[key]
		if has != should || g != e {
			differ = append(differ, fmt.Sprintf("%s: %v %v, want %v %v", key, has, g, should, e))
		}
	}
	w.Fatalf("%s differ in %d of %d members:\n%s", whose, len(differ), len(want), strings.Join(differ[:min(len(differ), 10)], "\n"))
}
