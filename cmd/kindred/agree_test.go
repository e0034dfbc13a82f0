package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/segmentio/kafka-go"

	"kindred/cmd/internal/config"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/producers"
	"kindred/schemas"
)

// joins returns what a process with changed settings says when it starts in a world.
func (w *world) joins(change func(*service)) error {
	w.Helper()
	s := service{settings: w.settings, embedded: true, log: w.log, server: config.Server{
		Roles: []string{"shards", "control"}, Partitions: shardsOfAWorld, MinSource: 25, WarnSource: 100,
	}}
	if change != nil {
		change(&s)
	}
	store, err := openCache(&s.settings, true)
	w.OK(err)
	defer store.Close()
	w.OK(producers.Ensure(w.Ctx, w.kafka.cluster, w.kafka.prefix, schemas.Topics(shardsOfAWorld)))
	return s.pipeline(w.kafka.cluster, store, w.kafka.prefix, "").agree(w.Ctx)
}

func TestAProcessThatWasStartedOtherwiseIsRefused(t *testing.T) {
	t.Parallel()
	w, redis := apart(t)
	other := miniredis.RunT(t)
	otherRedis := func(s *service) { s.settings.Redis = []string{other.Addr()} }
	min50 := func(s *service) { s.server.MinSource = 50 }
	own := func(s *service) { s.presets = selection.Presets{{Name: "fine", Bounds: model.Bounds{1, 2, 3}}} }
	flat := func(s *service) { s.server.Flat = true }
	crc32 := func(s *service) { s.settings.Partitioner = schemas.CRC32 }
	refused := func(err error, words ...string) {
		t.Helper()
		var f *failure
		if !errors.As(err, &f) || f.code != misused || f.try == "" {
			t.Errorf("%v; want a refusal that says %q", err, words)
			return
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v; want a refusal that says %q", err, words)
			}
		}
	}
	runs := func() (stop func()) {
		t.Helper()
		stop = w.serve()
		w.wait("the groups", func() string {
			if len(w.members("shards").Members) == 0 || len(w.members("control").Members) == 0 {
				return "it has not joined them"
			}
			return ""
		})
		return stop
	}
	stop := runs()
	w.OK(w.joins(nil))
	w.OK(w.joins(func(s *service) { s.server.Roles, s.server.MinSource = []string{"shards"}, 50 })) // which does not control
	refused(w.joins(min50), "--min-source is 50 here and 25 there")
	w.OK(w.joins(func(s *service) { own(s); s.server.Roles = []string{"shards"} }))
	refused(w.joins(own), "--presets holds other presets here than there")
	refused(w.joins(crc32), "--partitioner is crc32 here and murmur2 there")
	refused(w.joins(flat), "--flat is true here and false there")
	w.OK(w.joins(nil))

	// Who owns shards writes membership-changes, or does not, as all others do.
	tells := func(s *service) { s.server.Changes = true }
	refused(w.joins(tells), "--changes is true here and false there")
	w.OK(w.joins(func(s *service) { tells(s); s.server.Roles = []string{"control"} }))

	// Another Redis may have an identity of its own, of another prefix's Kafka, say.
	other.Set(w.settings.Prefix+"identity", "another")
	refused(w.joins(otherRedis), "--redis")

	// A Redis that was emptied gets back its identity from those that run.
	redis.FlushAll()
	w.OK(w.joins(nil))

	// While nobody runs, what is not fixed may change.
	stop()
	refused(w.joins(crc32), "--partitioner")
	refused(w.joins(flat), "--flat")
	w.OK(w.joins(own))
	w.OK(w.joins(func(s *service) { min50(s); otherRedis(s) }))
	w.OK(w.joins(nil))
	runs()
	refused(w.joins(min50), "--min-source is 50 here and 25 there")
}

// Whenever it is switched on, what the topic has before that does not count.
func TestChangesAreWholeSinceTheyWereSwitchedOn(t *testing.T) {
	t.Parallel()
	w, _ := apart(t)
	tells := func(s *service) { s.server.Changes = true }
	since := func() string {
		t.Helper()
		agreed, err := readAgreement(w.Ctx, w.kafka.fetcher, w.kafka.prefix)
		w.OK(err)
		return agreed.Changes
	}
	w.OK(w.joins(tells))
	first := since()
	w.OK(w.joins(tells))
	w.OK(w.joins(func(s *service) { s.server.Roles = []string{"control"} }))
	if first == "" || since() != first {
		t.Errorf("on since %q, then since %q", first, since())
	}
	w.OK(w.joins(nil))
	if since() != "" {
		t.Error("it is not switched off")
	}
	w.OK(w.joins(tells))
	if since() == "" || since() == first {
		t.Errorf("switched on again since %q, at first since %q", since(), first)
	}
}

func TestTwoThatStartAtOnceDoNotBothAgree(t *testing.T) {
	t.Parallel()
	at, _ := apart(t)
	for range 5 { // prefixes
		w := at.another()
		w.OK(producers.Ensure(w.Ctx, w.kafka.cluster, w.kafka.prefix, schemas.Topics(shardsOfAWorld)))
		var group sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			group.Go(func() {
				errs[i] = w.joins(func(s *service) {
					if i%2 == 1 {
						s.settings.Partitioner = schemas.CRC32
					}
				})
			})
		}
		group.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || (errs[0] == nil) != (errs[2] == nil) || (errs[1] == nil) != (errs[3] == nil) {
			t.Fatalf("murmur2: %v and %v; crc32: %v and %v; want one of the two refused, always the same", errs[0], errs[2], errs[1], errs[3])
		}
	}
}

func TestAProcessFindsOutThatOthersHaveAgreedOtherwise(t *testing.T) {
	t.Parallel()
	w, _ := apart(t)
	w.OK(w.joins(nil)) // has agreed, and has not joined its groups
	w.OK(w.joins(func(s *service) { s.server.MinSource = 50 }))
	s := service{settings: w.settings, log: w.log, server: config.Server{Roles: []string{"control"}, Partitions: shardsOfAWorld, MinSource: 25}}
	ctx, cancel := context.WithCancel(w.Ctx)
	defer cancel()
	err := s.pipeline(w.kafka.cluster, w.cache, w.kafka.prefix, "").stillAgrees(ctx)
	if err == nil || !strings.Contains(err.Error(), "--min-source is 25 here and 50 there") {
		t.Errorf("the first, which runs: %v", err)
	}
}

// TestAProcessThatWasKilledWhileItJoinedIsNobodyElse: Kafka says nothing of what a member sent while its group divides the shards.
func TestAProcessThatWasKilledWhileItJoinedIsNobodyElse(t *testing.T) {
	t.Parallel()
	w, redis := apart(t)
	ann := func(s *service) { s.server.Instance = "ann" }
	w.OK(w.joins(ann))
	joined, err := w.kafka.cluster.Client.JoinGroup(w.Ctx, &kafka.JoinGroupRequest{
		GroupID: string(w.kafka.prefix) + "control", GroupInstanceID: "ann", ProtocolType: "consumer",
		SessionTimeout: time.Minute, RebalanceTimeout: time.Minute, Protocols: []kafka.GroupProtocol{{Name: "kindred"}},
	})
	w.OK(errors.Join(err, joined.Error)) // and never says who gets what
	redis.FlushAll()
	w.OK(w.joins(ann))
}
