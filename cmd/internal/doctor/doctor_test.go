package doctor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/cmd/internal/doctor"
	"kindred/pipeline/cache"
	"kindred/pipeline/testkit"
	"kindred/producers"
	"kindred/schemas"
)

const shards = 4

// patient is an installation that is examined: a Kafka, a Redis, and no process unless one joins.
type patient struct {
	*testkit.World
	kafka *kfake.Cluster
	redis *miniredis.Miniredis
	store *cache.Store
	doctor.Installation
}

// newPatient has all topics as they should be.
func newPatient(t *testing.T) *patient {
	t.Helper()
	p := bare(t)
	p.World = testkit.New(t, p.Installation.Kafka, "t.", shards)
	return p
}

// bare has a Kafka without topics.
func bare(t *testing.T) *patient {
	t.Helper()
	p := &patient{kafka: testkit.Kafka(t), redis: miniredis.RunT(t)}
	p.store = cache.Open(cache.Options{Addresses: []string{p.redis.Addr()}, Prefix: "t.", Whole: true})
	t.Cleanup(func() { p.store.Close() })
	p.Installation = doctor.Installation{Kafka: testkit.Connect(t, p.kafka.ListenAddrs()...), Cache: p.store, Prefix: "t."}
	return p
}

// save stores the cache of a shard.
func (p *patient) save(shard int, meta cache.Meta) {
	p.Helper()
	writer, err := p.store.Claim(p.Ctx, shard, true)
	p.OK(err)
	p.OK(writer.Exec(p.Ctx, cache.New(shard).Snapshot(meta)))
}

// healthy has the caches of all shards, and processes that do the work.
func healthy(t *testing.T) *patient {
	t.Helper()
	p := newPatient(t)
	for shard := range shards {
		p.save(shard, cache.Meta{Ready: true, SavedAt: time.Now().UnixMilli()})
	}
	p.Join("shards", schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships)
	p.Join("control", schemas.SegmentChanges, schemas.ExpandRequests, schemas.DataEvents, schemas.Fields)
	return p
}

// finds demands a finding about something whose text holds the words, with a way out if it is a problem.
func finds(t *testing.T, p *patient, about string, state doctor.State, words string) {
	t.Helper()
	var all []string
	for _, f := range p.Examine(context.Background()) {
		if f.State == doctor.Problem && f.Try == "" {
			t.Errorf("no way out of %+v", f)
		}
		if f.About == about && f.State == state && strings.Contains(f.Text, words) {
			return
		}
		all = append(all, fmt.Sprintf("%+v", f))
	}
	t.Errorf("no finding %s about %s says %q:\n%s", state, about, words, strings.Join(all, "\n"))
}

func TestWhereAllIsWellNothingIsAProblem(t *testing.T) {
	p := healthy(t)
	seen := map[string]bool{}
	for _, f := range p.Examine(context.Background()) {
		if f.State == doctor.Problem {
			t.Errorf("%+v", f)
		}
		seen[f.About] = true
	}
	for _, about := range []string{"kafka", "topics", "partitioner", "redis", "workers", "control", "shards", "dead letters"} {
		if !seen[about] {
			t.Errorf("nothing is said about %s", about)
		}
	}
	finds(t, p, "workers", doctor.OK, "4 shards: one has 4")
	finds(t, p, "control", doctor.OK, "one is active, 0 stand by")
	finds(t, p, "shards", doctor.OK, "4 shards ready, all is read")
}

func TestAnInstallationThatIsNotThere(t *testing.T) {
	p := bare(t)
	finds(t, p, "topics", doctor.Problem, `there is no topic that begins with "t."`)
	finds(t, p, "workers", doctor.Problem, "no process owns shards")
	finds(t, p, "control", doctor.Problem, "no process has control")
}

func TestTopicsThatAreNotAsTheyShouldBe(t *testing.T) {
	p := bare(t)
	topics := schemas.Topics(shards)
	kept := topics[:0]
	for _, topic := range topics {
		switch topic.Name {
		case schemas.Runs:
			continue
		case schemas.Models:
			topic.Partitions = shards - 1
		case schemas.Expansions:
			topic.Config = map[string]string{"cleanup.policy": "delete"}
		case schemas.DeadLetters:
			topic.Config = map[string]string{"cleanup.policy": "delete", "retention.ms": "1000"}
		}
		kept = append(kept, topic)
	}
	if err := producers.Ensure(context.Background(), p.Installation.Kafka, "t.", kept); err != nil {
		t.Fatal(err)
	}
	finds(t, p, "topics", doctor.Problem, "t.runs is missing")
	finds(t, p, "topics", doctor.Problem, "t.models: partitions is 3, want 4")
	finds(t, p, "topics", doctor.Problem, "t.expansions: cleanup.policy is delete, want compact")
	finds(t, p, "topics", doctor.Note, "t.dead-letters: retention.ms is 1000")
	p.Changes = true
	finds(t, p, "topics", doctor.Problem, "t.membership-changes is missing")
	p.Partitions = 12
	finds(t, p, "topics", doctor.Problem, "t.profiles: partitions is 4, want 12")
}

func TestWhereTheKeysOfProfilesLie(t *testing.T) {
	p := newPatient(t)
	finds(t, p, "partitioner", doctor.Note, "there are no profiles yet")
	put := func(by schemas.Partitioner, at time.Time, from, to int) {
		t.Helper()
		for n := from; n < to; n++ {
			key := fmt.Sprintf("c-%d", n)
			p.Publish(schemas.Profiles, by.Partition([]byte(key), shards), at, key, []byte(`{"fields":{}}`), nil)
		}
	}
	long := time.Now().Add(-48 * time.Hour)
	put(schemas.Murmur2, long, 0, 100)
	finds(t, p, "partitioner", doctor.OK, "murmur2 fits all 100 keys")
	p.Partitioner = schemas.CRC32
	finds(t, p, "partitioner", doctor.Problem, "all 100 keys of profiles that were sampled lie where murmur2 puts them")
	p.Partitioner = schemas.Murmur2
	put(schemas.CRC32, long, 100, 200)
	finds(t, p, "partitioner", doctor.Note, "more than a day ago")
	put(schemas.CRC32, time.Now(), 200, 300)
	finds(t, p, "partitioner", doctor.Problem, "do not lie where murmur2 puts them (crc32 would have put")
}

func TestShardsThatAreNotAsTheyShouldBe(t *testing.T) {
	p := newPatient(t)
	finds(t, p, "shards", doctor.Note, "no shard has a cache")
	p.Join("shards", schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships)
	finds(t, p, "shards", doctor.Problem, "this Redis holds no shard, though they are owned by 1 process")

	now := time.Now()
	ready := cache.Meta{Ready: true, SavedAt: now.UnixMilli()}
	p.save(0, ready)
	finds(t, p, "shards", doctor.Problem, "3 of 4 shards have no cache: 1, 2, 3")
	p.save(1, ready)
	p.save(2, cache.Meta{Ready: true, SavedAt: now.Add(-2 * time.Hour).UnixMilli()})
	finds(t, p, "shards", doctor.Problem, "1 of 4 shards were not saved for 2h0m")
	_, err := p.store.Claim(p.Ctx, 3, true)
	p.OK(err)
	finds(t, p, "shards", doctor.Problem, "1 of 4 shards are not ready: 3")
	p.redis.HSet("t.{3}:meta", "layout", "999")
	finds(t, p, "shards", doctor.Problem, "the cache cannot be used of shard 3")
	p.save(3, cache.Meta{Ready: true, SavedAt: now.UnixMilli(), Offsets: cache.Offsets{Models: 7}})
	finds(t, p, "shards", doctor.Problem, "models/3 ends at 0, and 7 of it were read")
	p.Publish(schemas.Profiles, 1, now, "c-1", nil, nil)
	p.Publish(schemas.Memberships, 1, now, "x/c-1", nil, nil)
	finds(t, p, "shards", doctor.Note, "2 records are still to be read, by shard 1 by 2")
}

func TestWhatWaitsForControlIsCounted(t *testing.T) {
	p := healthy(t)
	p.Publish(schemas.ExpandRequests, 0, time.Now(), "x", []byte(`{}`), nil)
	p.Publish(schemas.ExpandRequests, 0, time.Now(), "x", []byte(`{}`), nil)
	p.Publish(schemas.Fields, 0, time.Now(), "City", []byte(`{"name":"City"}`), nil)
	finds(t, p, "control", doctor.Note, "2 records of expand-requests wait; 1 record of fields wait")
}

func TestDeadLettersOfTheLastDay(t *testing.T) {
	p := newPatient(t)
	letter := func(code string, at time.Time) {
		d := schemas.DeadLetter{Topic: "t.profiles", Code: code, At: at, Key: []byte("k")}
		p.Publish(schemas.DeadLetters, 0, at, "k", nil, d.AllHeaders())
	}
	letter(schemas.WrongPartition, time.Now().Add(-25*time.Hour))
	finds(t, p, "dead letters", doctor.OK, "none in the last day")
	letter(schemas.NotJSON, time.Now().Add(-time.Hour))
	letter(schemas.NotJSON, time.Now())
	finds(t, p, "dead letters", doctor.Note, "in the last day: 2 not_json")
	letter(schemas.WrongPartition, time.Now())
	finds(t, p, "dead letters", doctor.Problem, "2 not_json, 1 wrong_partition")
}

func TestAServerThatFallsSilentEndsNothingButItsOwnChecks(t *testing.T) {
	p := healthy(t)
	p.Patience = 2 * time.Second // the servers that answer do so within it on a busy machine, too
	p.kafka.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		p.kafka.KeepControl()
		return nil, nil, true // no answer
	})
	finds(t, p, "dead letters", doctor.Problem, "could not be looked at within 2s")
	finds(t, p, "workers", doctor.OK, "4 shards")
	p.redis.SetError("LOADING Redis is loading the dataset in memory")
	finds(t, p, "redis", doctor.Problem, "could not be looked at: reach redis: LOADING")
}

func TestWhatCannotBeReachedIsLeftOut(t *testing.T) {
	p := newPatient(t)
	p.Installation.Cache = nil
	finds(t, p, "topics", doctor.OK, "all 13 are there")
	p.Installation.Kafka, p.Installation.Cache = nil, p.store
	if found := p.Examine(context.Background()); len(found) != 1 || found[0].About != "redis" || found[0].State != doctor.OK {
		t.Errorf("found %+v", found)
	}
}
