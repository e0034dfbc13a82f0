package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/segmentio/kafka-go"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// letters makes a dead letter of every line of a file: TOPIC PARTITION OFFSET CODE SIZE KEY VALUE. A SIZE that is not 0 is that
// of a value which was left out, the VALUE null is a tombstone. The one on line n was made n seconds after 2026-11-23.
func letters(script *testscript.TestScript, _ bool, arguments []string) {
	c := connect(script)
	defer c.close()
	var batch wire.Builder
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for line := range strings.Lines(script.ReadFile(arguments[0])) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 7)
		partition, err := strconv.Atoi(words[1])
		script.Check(err)
		offset, err := strconv.ParseInt(words[2], 10, 64)
		script.Check(err)
		at = at.Add(time.Second)
		d := schemas.DeadLetter{
			Topic: words[0], Partition: partition, Offset: offset, Stage: schemas.LetterShard, Code: words[3],
			Message: "it is not as it should be", At: at, Key: []byte(words[5]),
			Headers: wire.AppendHeaders(nil, wire.Header{Key: schemas.HeaderSubject, Value: []byte(words[5])}),
		}
		if words[6] != "null" && words[4] == "0" {
			d.Value = []byte(words[6])
		}
		if words[4] != "0" {
			d.SHA256 = strings.Repeat("0", 64)
			d.Size, err = strconv.ParseInt(words[4], 10, 64)
			script.Check(err)
		}
		d.AppendTo(&batch)
	}
	_, err := c.producer.Publish(context.Background(), c.prefix.Topic(schemas.DeadLetters), 0, &batch)
	script.Check(err)
}

// kindred runs a command against the world, and returns what it printed.
func (w *world) kindred(code int, arguments ...string) string {
	w.Helper()
	return w.kindredOn(0, code, arguments...)
}

// kindredOn is kindred on a terminal of so many columns, if not 0.
func (w *world) kindredOn(columns, code int, arguments ...string) string {
	w.Helper()
	text, got := w.said(columns, arguments...)
	if got != code {
		w.Fatalf("%q ended with %d, want %d:\n%s", arguments, got, code, text)
	}
	return text
}

// said runs a command against the world, and returns what it printed and its exit code.
func (w *world) said(columns int, arguments ...string) (text string, code int) {
	var out strings.Builder
	screen := terminal.Screen{W: &out, Width: columns}
	arguments = append([]string{"--kafka", w.kafkaAddr, "--redis", w.redisAddr, "--prefix", w.settings.Prefix}, arguments...)
	code = (&program{out: screen, aside: screen}).run(w.Ctx, arguments)
	return out.String(), code
}

// A producer with another partitioner has erased a customer: the tombstone lies where its owner never looks. Put back, it takes
// the customer out of the expansion.
func TestATombstoneInTheWrongPartitionErasesOnceItIsPutBack(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.3`)
		w.agree()
		w.market.news()

		gone := first(w.market.of("more"), 1)[0]
		wrong := (home(schemas.Profiles, gone) + 1) % shardsOfAWorld
		w.Publish(schemas.Profiles, wrong, time.Now(), gone, nil, nil)
		w.agree()
		w.moves("", "")
		w.deadLetters(gone)

		if said := w.kindred(done, "dead-letters", "replay", "0", "--yes"); !strings.Contains(said, "put back 1 record\n") {
			w.Errorf("replay says %q", said)
		}
		w.agree()
		w.moves(schemas.TypeMembershipLeft, schemas.ByErasure, gone)
		w.deadLetters(gone) // no second one

		if said := w.kindred(done, "dead-letters", "replay", "--topic", "profiles", "--yes"); !strings.Contains(said, "left 1 put back before") {
			w.Errorf("replay for the second time says %q", said)
		}
	})
}

// TestPuttingBackUndoesNothingThatCameLater: an old profile must not overwrite a new one, nor bring back an erased customer.
func TestPuttingBackUndoesNothingThatCameLater(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		const old, early, late = `{"fields":{"City":"Oslo"}}`, 0, 1
		minutes := func(n int) time.Time { return time.Now().Add(time.Duration(n-10) * time.Minute) }
		wrong := func(id string, at int, value []byte) {
			w.Publish(schemas.Profiles, (home(schemas.Profiles, id)+1)%shardsOfAWorld, minutes(at), id, value, nil)
		}
		right := func(id string, at int, value []byte) {
			w.Publish(schemas.Profiles, home(schemas.Profiles, id), minutes(at), id, value, nil)
		}
		wrong("overtaken", early, []byte(old))
		right("overtaken", late, []byte(`{"fields":{"City":"Bonn"}}`))
		wrong("erased", early, []byte(old))
		wrong("erased", late, nil) // by the same producer: a letter, too, and the one that counts
		right("comes-late", early, []byte(`{"fields":{"City":"Bonn"}}`))
		wrong("comes-late", late, []byte(old))
		right("broken", early, []byte(`{"fields":`))
		right("broken", late, []byte(old))
		w.settle()

		said := w.kindred(done, "dead-letters", "replay", "--topic", "profiles", "--yes")
		if !strings.Contains(said, "put back 2 records\n") || !strings.Contains(said, "left 3 overtaken by a newer record") {
			w.Errorf("replay says %q", said)
		}
		w.settle()
		last := map[string]string{}
		w.All(schemas.Profiles, shardsOfAWorld, func(r *wire.Record) {
			if home(schemas.Profiles, string(r.Key)) == schemas.Murmur2.Partition(r.Key, shardsOfAWorld) {
				if _, replayed := schemas.ReplayOf(r.Headers); replayed {
					last[string(r.Key)] = string(r.Value)
				}
			}
		})
		if len(last) != 2 || last["comes-late"] != old || last["erased"] != "" {
			w.Errorf("put back were %q", last)
		}
	})
}

// What a topic takes may have become less since a letter was written. The others of its batch are put back, each once.
func TestWhatATopicDoesNotTakeIsLeftAndTheRestComesOnce(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		var ids []string
		for number := 0; len(ids) < 4; number++ {
			if id := customer(number); home(schemas.Profiles, id) == 0 {
				ids = append(ids, id)
			}
		}
		ids, other := ids[:3], ids[3]
		for i, size := range []int{1, 200, 1} {
			w.Publish(schemas.Profiles, 1, time.Now(), ids[i], livesIn(size), nil)
		}
		w.settle()
		w.deadLetters(ids...)
		w.limit(schemas.Profiles, 1000, other, livesIn(200))

		said := w.kindred(failed, "dead-letters", "replay", "--topic", "profiles", "--yes")
		if !strings.Contains(said, "put back 2 records\n") || !strings.Contains(said, "left 1 larger than their topic takes") {
			w.Errorf("replay says %q", said)
		}
		var back []string
		w.Partition(schemas.Profiles, 0, func(r *wire.Record) {
			if _, replayed := schemas.ReplayOf(r.Headers); replayed {
				back = append(back, string(r.Key))
			}
		})
		if !slices.Equal(back, []string{ids[0], ids[2]}) {
			w.Errorf("put back were %q", back)
		}
	})
}

// livesIn is a profile whose city is so many random texts long, which no compression makes smaller.
func livesIn(texts int) []byte {
	var city strings.Builder
	for range texts {
		city.WriteString(rand.Text())
	}
	return fmt.Appendf(nil, `{"fields":{"City":%q}}`, city.String())
}

// limit lets a topic take no batch of more bytes. A broker hears of it some time after it was said, so an example that is larger
// is published under id until it is refused.
func (w *world) limit(topic string, most int, id string, example []byte) {
	w.Helper()
	config := kafka.IncrementalAlterConfigsRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: w.full(topic),
		Configs: []kafka.IncrementalAlterConfigsRequestConfig{
			{Name: "max.message.bytes", Value: strconv.Itoa(most), ConfigOperation: kafka.ConfigOperationSet}}}
	_, err := w.kafka.cluster.Client.IncrementalAlterConfigs(w.Ctx,
		&kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{config}})
	w.OK(err)
	w.wait("the broker to refuse larger records", func() string {
		var batch wire.Builder
		batch.Add(time.Now().UnixMilli(), []byte(id), example, nil)
		switch _, err := w.Producer.Publish(w.Ctx, w.full(topic), home(topic, id), &batch); {
		case err == nil:
			return "it took one"
		case !errors.Is(err, wire.ErrTooLarge):
			w.OK(err)
		}
		return ""
	})
}

func TestAPersonIsAskedAndSilenceIsANo(t *testing.T) {
	check := func(answer string, want bool) {
		t.Helper()
		if got := confirmed(terminal.Screen{W: io.Discard}, strings.NewReader(answer), "Put back 1 record?"); got != want {
			t.Errorf("%q counts as %v", answer, got)
		}
	}
	check("y\n", true)
	check(" YES \n", true)
	check("\n", false)
	check("", false)
	check("no\n", false)
	check("yesterday\n", false)
}

func TestAMaskKeepsTheShapeAndTellsNothing(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		if got := mask([]byte(text)); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
	check(`{"customerId":"c-17","fields":{"City":"Ålesund","Age":41,"Member":true},"profiling" : false}`,
		`{"customerId":"x-9","fields":{"x":"x","x":9,"x":x},"profiling" : x}`)
	check("ann.smith@example.org;+47 900 00 000", "x.x@x.x;+9 9 9 9")
	check("fields are named here, and \"fields\" too", `x x x x, x "x" x`)
	check("\x1b[31m\xff", ".[9x.")
	check("", "")
}
