package route_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/route"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// counting notes how many members' records each transaction writes.
type counting struct {
	route.Transactions
	members []int
}

func (c *counting) Transact(ctx context.Context, topic string, next int64, fill func(route.Writer) error) error {
	c.members = append(c.members, 0)
	return c.Transactions.Transact(ctx, topic, next, func(w route.Writer) error { return fill(countingWriter{w, c}) })
}

type countingWriter struct {
	route.Writer
	counts *counting
}

func (w countingWriter) Write(ctx context.Context, topic string, partition int, key, value []byte, h wire.Headers) error {
	if strings.HasSuffix(topic, schemas.SegmentMembers) && key[0] != '/' && key[len(key)-1] != '/' {
		w.counts.members[len(w.counts.members)-1]++
	}
	return w.Writer.Write(ctx, topic, partition, key, value, h)
}

// names returns a JSON list of customers, from one number to another.
func names(from, to int) string {
	var ids []string
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("c-%03d", i))
	}
	list, _ := json.Marshal(ids)
	return string(list)
}

// Wherever the router dies in the middle of what takes many transactions, the members become the same, and nothing counts
// before all of it is there.
func TestWhatTakesManyTransactionsConvergesAfterAnyCrash(t *testing.T) {
	for what, say := range map[string]func(w *world, n int){
		"a snapshot": func(w *world, n int) {
			part := func(part, from, to int) {
				w.say("vip", fmt.Sprintf(`{"snapshot":"s-%d","part":%d,"parts":3,"members":%s}`, n, part, names(from, to)))
			}
			w.say("vip", `{"added":["before"]}`)
			part(1, n, n+9)
			part(3, n+20, n+29)
			w.say("vip", fmt.Sprintf(`{"added":["late"],"removed":["c-%03d"]}`, n+20))
			w.say("other", `{"added":["x"]}`)
			part(2, n+9, n+20)
			w.say("vip", `{"added":["behind"]}`)
		},
		"a change": func(w *world, n int) {
			w.say("vip", `{"added":["before"]}`)
			w.say("vip", fmt.Sprintf(`{"name":"VIP %d","added":%s,"removed":%s}`, n, names(n, n+20), names(n+10, n+22)))
			w.say("vip", `{"removed":["before"]}`)
		},
		"a change of a segment that was gone": func(w *world, n int) {
			w.say("vip", "")
			w.say("vip", fmt.Sprintf(`{"added":%s,"removed":["c-%03d"]}`, names(n, n+20), n+3))
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.piece = 4
			w.say("vip", `{"snapshot":"s-0","part":1,"parts":1,"members":["first"]}`)
			w.routed(never)
			step := 1
			if testing.Short() {
				step = 3 // not every point
			}
			for n, crashed := 1, true; crashed; n += step { // it dies after the n-th write, and then lives
				say(w, n)
				left := n
				w.routed(func() bool {
					left--
					return left == 0
				})
				w.judge()
				crashed = left <= 0
			}
			if letters := w.letters(); len(letters) > 0 {
				t.Errorf("dead letters: %v", letters)
			}
		})
	}
}

// A snapshot that is written in part has no effect, and when its parts are then deleted it never has any.
func TestMembersWithoutAMarkDoNotCount(t *testing.T) {
	w := newWorld(t)
	w.piece = 4
	w.say("vip", `{"snapshot":"s-0","part":1,"parts":1,"members":["a","b"]}`)
	w.routed(never)
	first := w.say("vip", fmt.Sprintf(`{"snapshot":"s-1","part":1,"parts":2,"members":%s}`, names(0, 10)))
	w.say("vip", fmt.Sprintf(`{"snapshot":"s-1","part":2,"parts":2,"members":%s}`, names(10, 20)))
	left := 12
	if err := w.router(func() bool { left--; return left == 0 }).Run(w.Ctx, w.place); !errors.Is(err, testkit.ErrCrash) {
		t.Fatal(err)
	}
	w.expect("before the mark", map[string]string{"vip": "a b"})
	if written := w.written(); len(written) < 2+shards+4 {
		t.Fatalf("the shards read only %v", written)
	}
	w.OK(w.cluster.DeleteRecords(w.Prefix.Topic(schemas.SegmentChanges), 0, first+1))
	w.routed(never)
	w.expect("without its parts", map[string]string{"vip": "a b"})
	if want := []string{fmt.Sprintf("incomplete_snapshot@%d", first)}; !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	for shard := range shards {
		last := ""
		w.Partition(schemas.SegmentMembers, shard, func(r *wire.Record) {
			if string(r.Key) == "vip/" || strings.HasPrefix(string(r.Key), "vip/c-") {
				last = string(r.Key)
			}
		})
		if last != "vip/" {
			t.Errorf("shard %d is not told that it need not wait for the rest", shard)
		}
	}
	w.say("vip", `{"snapshot":"s-2","part":1,"parts":1,"members":["z"]}`)
	w.routed(never)
	w.expect("the next one counts", map[string]string{"vip": "z"})
}

func TestATransactionIsBounded(t *testing.T) {
	w := newWorld(t)
	w.piece = 10
	for i := range 20 {
		w.say("small", fmt.Sprintf(`{"added":%s}`, names(i, i+3)))
	}
	w.say("vip", fmt.Sprintf(`{"added":%s}`, names(0, 35)))
	w.say("vip", fmt.Sprintf(`{"snapshot":"s-1","part":1,"parts":1,"members":%s}`, names(5, 50)))
	counts := new(counting)
	router := w.router(never)
	counts.Transactions, router.Transactions = router.Transactions, counts
	ctx, cancel := context.WithCancel(w.Ctx)
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx, w.place) }()
	w.awaitThrough(ctx)
	cancel()
	w.OK(<-ended)
	sum := 0
	for _, n := range counts.members {
		sum += n
	}
	if most := slices.Max(counts.members); most > 10 || sum != 60+35+45 {
		t.Errorf("transactions of %v members", counts.members)
	}
	w.judge()
}

// 300,000 ids are several megabytes, and 700 KB when their producer compresses them: a broker takes that.
func TestAChangeOf300000Customers(t *testing.T) {
	testkit.NotShort(t)
	w := newWorld(t)
	var ids []string
	for i := range 300_000 {
		ids = append(ids, fmt.Sprintf("customer-%06d", i*7%300_000))
	}
	list, err := json.Marshal(ids)
	w.OK(err)
	for key, format := range map[string]string{"vip": `{"added":%s}`, "all": `{"snapshot":"s","part":1,"parts":1,"members":%s}`} {
		var b wire.Builder
		b.Add(w.now, []byte(key), fmt.Appendf(nil, format, list), nil)
		batch := testkit.Gzipped(&b)
		if b.Size() < 5<<20 || len(batch) < 600<<10 || len(batch) > 1<<20 {
			t.Fatalf("%d bytes, %d compressed", b.Size(), len(batch))
		}
		w.append(batch, 1)
	}
	w.say("vip", `{"removed":["customer-000007"]}`)
	w.routed(never)
	got := w.members()
	if len(got["vip"]) != 299_999 || len(got["all"]) != 300_000 || len(w.letters()) > 0 {
		t.Errorf("%d and %d members, dead letters %v", len(got["vip"]), len(got["all"]), w.letters())
	}
}
