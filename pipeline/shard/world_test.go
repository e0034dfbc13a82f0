package shard_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/pipeline/shard"
	"kindred/schemas"
	"kindred/schemas/wire"
)

const prefix = schemas.Prefix("t.")

// world is one shard of a small installation: its Kafka, its Redis, and what its inputs say, kept in plain maps.
type world struct {
	*testing.T
	*kafka
	redis   *miniredis.Miniredis
	cache   *cache.Store
	worker  *shard.Worker
	owner   *shard.Owner // the one that the worker made last
	logs    *slog.Logger // the worker's
	stop    func()       // ends the owner that runs, with all it knows
	since   string       // since when changes are written; empty: they are not
	shards  int          // those that the worker is given, from 0 on; default 1
	stretch int64        // offsets of a stretch of a take-over's backlog; 0: as many as usual
	last    string       // the since before they were switched off

	ids      [len(shard.Inputs)]string // of the topics
	profiles map[string]*person
	segments map[string]map[string]bool
	numbers  map[string]int64 // of the segments' present snapshots
	models   map[string]*model.Model
}

type person struct {
	city   string
	refuse bool
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, kafka: newKafka(), redis: miniredis.RunT(t), logs: slog.New(slog.DiscardHandler),
		profiles: map[string]*person{}, segments: map[string]map[string]bool{},
		numbers: map[string]int64{}, models: map[string]*model.Model{}}
	w.cache = cache.Open(cache.Options{Addresses: []string{w.redis.Addr()}, Prefix: string(prefix), Whole: true})
	t.Cleanup(func() { w.cache.Close() })
	w.worker = w.newWorker()
	return w
}

func (w *world) newWorker() *shard.Worker {
	silent := slog.New(slog.DiscardHandler)
	return &shard.Worker{Renew: w.Renew, Log: w.logs, New: func(p int) *shard.Owner {
		w.owner = &shard.Owner{Shard: p, Shards: max(1, w.shards), Prefix: prefix, Partitioner: schemas.Murmur2,
			Reader: w, Publisher: w, Cache: w.cache, Stats: &shard.Stats{}, Log: silent, Topics: w.ids, Changes: w.since}
		w.owner.ReadBy(w.stretch)
		return w.owner
	}}
}

// run lets the worker own the shard until stop.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	shards := make([]int, max(1, w.shards))
	for p := range shards {
		shards[p] = p
	}
	go func() { ended <- w.worker.Run(ctx, shards, w) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("the worker ended with %v", err)
		}
		w.stop = nil
	}
}

// crash ends the owner; what it had in memory and had not saved is lost.
func (w *world) crash() {
	w.stop()
	w.worker = w.newWorker()
}

// settle waits until the owner has read, published and saved everything.
func (w *world) settle() {
	w.Helper()
	w.until("everything is read, published and saved", func() bool {
		meta, err := w.cache.ReadMeta(context.Background(), 0)
		return err == nil && meta != nil && meta.Ready && w.reached(meta)
	})
}

// until waits until something has happened.
func (w *world) until(what string, happened func() bool) {
	w.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	deadline := time.After(2 * time.Minute)
	for !happened() {
		select {
		case <-look.C:
		case <-deadline:
			w.Fatalf("waited in vain until %s; ends %+v", what, w.ends())
		}
	}
}

func (w *world) reached(meta *cache.Meta) bool {
	saved := meta.Offsets
	if w.since == "" {
		saved.Changes = 0 // of a log that is switched off
	}
	return saved == w.ends() && (w.since == "" || meta.Changes == w.since)
}

func (w *world) ends() cache.Offsets {
	ends := cache.Offsets{
		Profiles:       w.end(w.topic(schemas.Profiles), 0),
		SegmentMembers: w.end(w.topic(schemas.SegmentMembers), 0),
		Models:         w.end(w.topic(schemas.Models), 0),
		Memberships:    w.end(w.topic(schemas.Memberships), 0),
	}
	if w.since != "" {
		ends.Changes = w.end(w.topic(schemas.MembershipChanges), 0)
	}
	return ends
}

func (w *world) topic(name string) string { return prefix.Topic(name) }

func (w *world) profile(id, city string) {
	w.profiles[id] = &person{city: city}
	w.write(w.topic(schemas.Profiles), 0, id, fmt.Appendf(nil, `{"customerId":%q,"fields":{"City":%q,"Age":%d}}`, id, city, len(id)))
}

func (w *world) refuse(id string) {
	w.profiles[id] = &person{refuse: true}
	w.write(w.topic(schemas.Profiles), 0, id, fmt.Appendf(nil, `{"customerId":%q,"fields":{"City":"Oslo"},"profiling":false}`, id))
}

func (w *world) erase(id string) {
	delete(w.profiles, id)
	w.write(w.topic(schemas.Profiles), 0, id, nil)
}

func (w *world) member(segment, id string, in bool) {
	w.memberOf(segment, id, in, w.numbers[segment])
	w.set(segment, id, in)
}

func (w *world) memberOf(segment, id string, in bool, number int64) {
	var value []byte
	if in {
		value = []byte("{}")
	}
	w.write(w.topic(schemas.SegmentMembers), 0, segment+"/"+id, value,
		wire.Header{Key: schemas.HeaderSnapshot, Value: strconv.AppendInt(nil, number, 10)})
}

func (w *world) set(segment, id string, in bool) {
	if w.segments[segment] == nil {
		w.segments[segment] = map[string]bool{}
	}
	w.segments[segment][id] = in
}

// snapshot replaces a segment's members, and marks that they are complete.
func (w *world) snapshot(segment string, ids ...string) {
	w.numbers[segment] += 10
	w.segments[segment] = map[string]bool{}
	for _, id := range ids {
		w.memberOf(segment, id, true, w.numbers[segment])
		w.set(segment, id, true)
	}
	w.write(w.topic(schemas.SegmentMembers), 0, segment+"/", fmt.Appendf(nil, `{"snapshot":%d,"gone":false}`, w.numbers[segment]))
}

// gone marks a segment as gone: it stays as it last was.
func (w *world) gone(segment string) {
	w.write(w.topic(schemas.SegmentMembers), 0, segment+"/", fmt.Appendf(nil, `{"snapshot":%d,"gone":true}`, w.numbers[segment]))
}

// model publishes a model by which people of these cities are similar, those of the first the most.
func (w *world) model(id string, epoch int64, cut int, cities ...string) {
	w.define(id, epoch, cut, schemas.Definition{SourceSegmentID: "vip", ExcludeSource: true, Suppress: []string{"staff"}}, cities...)
}

// define is model with a definition, which may name other expansions.
func (w *world) define(id string, epoch int64, cut int, d schemas.Definition, cities ...string) {
	m := &model.Model{Epoch: epoch, RunID: fmt.Sprint("r", epoch), StartedAt: time.UnixMilli(1_700_000_000_000).UTC(),
		Definition: d, Scores: model.Logistic(), Cut: model.Cut{Score: cut}, Bands: model.Bounds{4000, 6000, 8000},
		Fields: []model.Field{{Name: "City", Weights: map[string]int32{}, Absent: -100_000}}}
	for i, city := range cities {
		m.Fields[0].Weights[strconv.Quote(city)] = 100_000 - int32(i)*20_000
	}
	if len(cities) > 0 { // with a city, an age of 3 counts against
		m.Fields = append(m.Fields, model.Field{Name: "Age", Numbers: true})
		m.Crosses = []model.Cross{{Fields: []string{"Age", "City"}, Values: [][]string{{"3"}, nil}}}
		for i, city := range slices.Compact(slices.Sorted(slices.Values(cities))) {
			m.Crosses[0].Values[1] = append(m.Crosses[0].Values[1], strconv.Quote(city))
			m.Crosses[0].Weights = append(m.Crosses[0].Weights, -3000*int32(i+1))
		}
	}
	value, err := m.Encode()
	if err != nil {
		w.Fatal(err)
	}
	w.models[id] = m
	w.write(w.topic(schemas.Models), 0, id, value)
}

// again publishes the model that decides once more, as the next run's.
func (w *world) again(id string) {
	old := w.models[id]
	if old == nil || old.Deleted {
		return
	}
	m := *old
	m.Epoch, m.RunID, m.StartedAt = old.Epoch+1, fmt.Sprint("r", old.Epoch+1), old.StartedAt.Add(time.Minute)
	value, err := m.Encode()
	if err != nil {
		w.Fatal(err)
	}
	w.models[id] = &m
	w.write(w.topic(schemas.Models), 0, id, value)
}

func (w *world) delete(id string, epoch int64) {
	m := &model.Model{Epoch: epoch, RunID: fmt.Sprint("d", epoch), Deleted: true}
	value, err := m.Encode()
	if err != nil {
		w.Fatal(err)
	}
	w.models[id] = m
	w.write(w.topic(schemas.Models), 0, id, value)
}

// expected applies the rule of membership to plain maps.
func (w *world) expected() []string {
	var all []string
	for id := range w.models {
		for customer := range w.profiles {
			if score, in := w.similar(id, customer); in {
				all = append(all, fmt.Sprintf("%s/%s %d %d", id, customer, score, w.models[id].Band(score)))
			}
		}
	}
	sort.Strings(all)
	return all
}

// similar reports whether a customer should be in an expansion, and with which score.
func (w *world) similar(id, customer string) (score int, in bool) {
	m, p := w.models[id], w.profiles[customer]
	if m == nil || m.Deleted || p == nil || p.refuse {
		return 0, false
	}
	d := &m.Definition
	if d.Candidates.SegmentID != "" && !w.in(d.Candidates.SegmentID, customer) || d.ExcludeSource && w.in(d.SourceSegmentID, customer) {
		return 0, false
	}
	for _, segment := range d.Suppress {
		if w.in(segment, customer) {
			return 0, false
		}
	}
	sum := m.Fields[0].Weights[strconv.Quote(p.city)]
	for _, c := range m.Crosses {
		if i := slices.Index(c.Values[1], strconv.Quote(p.city)); i >= 0 && len(customer) == 3 {
			sum += c.Weights[i]
		}
	}
	score = m.Score(sum)
	return score, score >= m.Cut.Score && !m.HoldsOut(id, []byte(customer))
}

// in reports whether a customer should be in a segment, or in an expansion.
func (w *world) in(id, customer string) bool {
	_, similar := w.similar(id, customer)
	return similar || w.segments[id][customer]
}

// published reads the compacted memberships.
func (w *world) published() []string {
	var all []string
	for key, value := range w.compacted(w.topic(schemas.Memberships), 0) {
		score, band, _, _, err := schemas.ReadMembership(value)
		if err != nil {
			w.Errorf("the membership of %s cannot be read: %v", key, err)
		}
		all = append(all, fmt.Sprintf("%s %d %d", key, score, band))
	}
	sort.Strings(all)
	return all
}

// check compares what is published with what should be.
func (w *world) check(when string) {
	w.Helper()
	w.settle()
	if got, want := fmt.Sprint(w.published()), fmt.Sprint(w.expected()); got != want {
		w.Fatalf("%s:\n got %s\nwant %s", when, got, want)
	}
	if w.since == "" {
		return
	}
	if got, want := fmt.Sprint(w.told()), fmt.Sprint(w.expected()); got != want {
		w.Fatalf("%s, by the log of changes:\n got %s\nwant %s", when, got, want)
	}
}

func (w *world) OK(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}
