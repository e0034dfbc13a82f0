package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/terminal"
)

// withShards waits until a process of the world owns all shards under a name, and returns the id that Kafka has given it.
func (w *world) withShards(name, but string) (id string) {
	w.Helper()
	w.wait("all shards to be owned by "+name, func() string {
		g := w.members("shards")
		for _, m := range g.Members {
			if g.settled && m.name == name && m.id != but && m.shards == shardsOfAWorld {
				id = m.id
				return ""
			}
		}
		return "not yet"
	})
	return id
}

// TestAProcessThatWasKilledIsBackAtOnce: with a session of five minutes, the test would not see the end of it. An emptied Redis
// changes nothing about that: nobody else can put back its identity.
func TestAProcessThatWasKilledIsBackAtOnce(t *testing.T) {
	everywhere(t, func(w *world) {
		first := w.start("--instance", "ann", "--session", "5m")
		before := w.withShards("ann", "")
		first.end()
		w.forget()
		w.start("--instance", "ann", "--session", "5m")
		w.withShards("ann", before)
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.successful("more", `"action":"expand","sourceSegmentId":"vip"`) // control is back, too
		w.agree()
	})
}

func TestTheOlderOfTwoProcessesOfOneNameEndsAndNamesTheWayOut(t *testing.T) {
	everywhere(t, func(w *world) {
		older := w.ending(config.Server{Instance: "ann"})
		before := w.withShards("ann", "")
		w.start("--instance", "ann")
		w.misused(older, "another process has joined under the same name", "--instance")
		w.withShards("ann", before)
	})
}

func TestASessionThatTheBrokersDoNotAllowEndsServe(t *testing.T) {
	everywhere(t, func(w *world) {
		w.misused(w.ending(config.Server{Session: time.Millisecond}), "the brokers do not allow this session of 1ms", "--session")
	})
}

// ending runs serve in this process, with some settings of its own, and returns with what it ends.
func (w *world) ending(server config.Server) <-chan error {
	ctx, cancel := context.WithCancel(w.Ctx)
	server.Roles, server.Partitions, server.MinSource, server.WarnSource = []string{"shards", "control"}, shardsOfAWorld, 25, 100
	ended := make(chan error, 1)
	var serving sync.WaitGroup
	serving.Go(func() {
		ended <- serve(ctx, service{settings: w.settings, server: server, embedded: !w.real, log: w.log})
	})
	w.Cleanup(func() { cancel(); serving.Wait() })
	return ended
}

// misused demands that serve ends because of a setting, and says what is wrong and the way out.
func (w *world) misused(ended <-chan error, wants ...string) {
	w.Helper()
	var said bytes.Buffer
	select {
	case err := <-ended:
		if code := (&program{aside: terminal.Screen{W: &said}}).ended(err); code != misused {
			w.Errorf("ended with %d, want %d", code, misused)
		}
	case <-w.Ctx.Done():
		w.Fatal("serve goes on")
	}
	for _, want := range wants {
		if !strings.Contains(said.String(), want) {
			w.Errorf("said %q, want %q in it", &said, want)
		}
	}
}
