package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"kindred/cmd/internal/embedded"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// started is a command that runs beside the test.
type started struct {
	*world
	stop  func() // as Ctrl-C does
	lines chan string
	ended chan int
}

// begin starts a command against the world. A Kafka that does not answer is endured for as long as the given patience.
func (w *world) begin(patience time.Duration, arguments ...string) *started {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Ctx)
	from, to := io.Pipe()
	s := &started{world: w, stop: cancel, lines: make(chan string, 1000), ended: make(chan int, 1)}
	p := &program{out: terminal.Screen{W: to}, aside: terminal.Screen{W: to}, patience: patience}
	arguments = append(arguments, "--kafka", w.kafkaAddr, "--redis", w.redisAddr, "--prefix", w.settings.Prefix)
	go func() {
		s.ended <- p.run(ctx, arguments)
		to.Close()
	}()
	go func() {
		for scanner := bufio.NewScanner(from); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
		close(s.lines)
	}()
	w.Cleanup(cancel)
	return s
}

// says waits for a line that holds the words, and returns it.
func (s *started) says(words string) string {
	s.Helper()
	var heard []string
	for {
		select {
		case line, more := <-s.lines:
			if strings.Contains(line, words) {
				return line
			}
			if heard = append(heard, line); !more {
				s.Fatalf("it never said %q, but\n%s", words, strings.Join(heard, "\n"))
			}
		case <-s.Ctx.Done():
			s.Fatalf("it does not say %q, but\n%s", words, strings.Join(heard, "\n"))
		}
	}
}

// endsWith waits for the exit code.
func (s *started) endsWith(code int) {
	s.Helper()
	if got := <-s.ended; got != code {
		s.Fatalf("ended with %d, want %d", got, code)
	}
}

func TestWaitingWhereNobodyHasControlSaysSoAndStopsInOrder(t *testing.T) {
	t.Parallel()
	w, _ := apart(t)
	s := w.begin(0, "refresh", "x", "--wait")
	s.says("no process has control: is kindred serve running? kindred doctor looks")
	s.stop()
	s.says("kindred: waiting was interrupted: the request stands")
	s.says("try: kindred runs x shows it, kindred cancel x stops it")
	s.endsWith(failed)
}

func TestWhoeverStopsWaitingIsToldThatTheRunGoesOn(t *testing.T) {
	t.Parallel()
	w, _ := apart(t)
	s := w.begin(0, "refresh", "x", "--wait", "--request-id", "r")
	w.say(schemas.Runs, "x", `{"runId":"r","expansionId":"x","cause":"refresh","status":"processing","stage":"training"}`)
	s.says("x: training")
	s.stop()
	s.says("kindred: waiting was interrupted: the run goes on")
	s.endsWith(failed)
}

func TestAWaitOutlivesNoKafka(t *testing.T) {
	t.Parallel()
	pair, err := embedded.Start(context.Background(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, addresses{pair.KafkaAddr, pair.RedisAddr, false})
	s := w.begin(2*time.Second, "refresh", "x", "--wait", "--request-id", "r")
	w.say(schemas.Runs, "x", `{"runId":"r","expansionId":"x","cause":"refresh","status":"processing","stage":"training"}`)
	s.says("x: training")
	w.gone = true
	w.OK(pair.Close())
	s.says("Kafka does not answer at " + pair.KafkaAddr)
	s.endsWith(unreachable)
}

// A request that the controller remembers, and whose run is no longer on the topic, leaves nothing behind when it comes again.
func TestARequestOfLongAgoDoesNotHang(t *testing.T) {
	t.Parallel()
	w, _ := apart(t)
	w.say(schemas.Expansions, "x", `{"expansionId":"x","name":"x","state":"deleted","epoch":1,"definition":null,"report":null,"run":null,`+
		`"pending":[],"requests":["r"]}`)
	w.serve()
	s := w.begin(0, "refresh", "x", "--wait", "--request-id", "r")
	s.says("kindred: request r was made before, and how it ended is no longer known")
	s.endsWith(failed)
}

// A refresh that joins another ends when that one does, and with what that one found.
func TestARefreshThatJoinsAnotherIsFollowedThere(t *testing.T) {
	everywhere(t, func(w *world) {
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		stop := w.serve()
		w.successful("more", `"action":"expand","sourceSegmentId":"vip"`)
		stop()
		from := w.end(schemas.Runs)
		w.request("more", `"action":"refresh"`)
		w.request("more", `"action":"refresh"`)
		last := w.request("more", `"action":"refresh"`)
		w.serve()
		w.await(from, func(r schemas.Run) bool { return r.JoinedTo != "" && r.RunID == last })
		said := w.kindred(done, "refresh", "more", "--wait", "--request-id", last)
		if !strings.Contains(said, "members: the best") {
			t.Errorf("it says\n%s", said)
		}
	})
}
