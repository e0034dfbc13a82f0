package reading_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"kindred/cmd/internal/embedded"
	"kindred/cmd/internal/reading"
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

const shards = 4

// filled returns facts about an expansion "x" with so many members, spread over the shards, on an embedded Redis.
func filled(t testing.TB, members int) *reading.Facts {
	t.Helper()
	ctx := context.Background()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	pair, err := embedded.Start(ctx, embedded.Options{})
	ok(err)
	t.Cleanup(func() { pair.Close() })
	store := cache.Open(cache.Options{Addresses: []string{pair.RedisAddr}, Prefix: "kindred.", Whole: true})
	t.Cleanup(func() { store.Close() })
	for shard := range shards {
		writer, err := store.Claim(ctx, shard, true)
		ok(err)
		mirror := cache.New(shard)
		for n := shard; n < members; n += shards {
			row := mirror.Take(fmt.Appendf(nil, "customer-%09d", n))
			mirror.Published("x", true).Set(row, cache.PackState(n%4, n*7919%10_001))
		}
		ok(writer.Exec(ctx, mirror.Snapshot(cache.Meta{Ready: true, SavedAt: time.Now().UnixMilli()})))
	}
	facts := &reading.Facts{Prefix: "kindred.", Shards: shards, Cache: store, Book: &reading.Book{Prefix: "kindred.", Kafka: oneRecord{}}}
	ok(facts.Book.Read(ctx, schemas.Expansions))
	return facts
}

// oneRecord is a Kafka whose topics each hold the record of an expansion "x".
type oneRecord struct{}

func (oneRecord) Fetch(_ context.Context, from []wire.Position, _ time.Duration) ([]wire.Fetched, error) {
	var b wire.Builder
	b.Add(1000, []byte("x"), []byte(`{"expansionId":"x","state":"live"}`), nil)
	f := wire.Fetched{Position: from[0], HighWatermark: 1, Stable: 1}
	f.Set.From, f.Data = from[0].Offset, b.Finish(-1, -1, -1, false)
	return []wire.Fetched{f}, nil
}

func (oneRecord) Starts(context.Context, []wire.Position) ([]int64, error) { return []int64{0}, nil }
func (oneRecord) Ends(_ context.Context, of []wire.Position) ([]int64, error) {
	return slices.Repeat([]int64{1}, len(of)), nil
}

// Pages of any size hold everybody once, in the same order.
func TestPagesAreTheMembersInOrder(t *testing.T) {
	const members = 30_000 // several blocks a shard, several members a score
	facts := filled(t, members)
	all, err := facts.Members(t.Context(), "x", members, "")
	if err != nil || len(all.Members) != members || all.Next != "" || all.Total != members {
		t.Fatalf("%d of %d members (%v)", len(all.Members), members, err)
	}
	if !slices.IsSortedFunc(all.Members, func(a, b reading.Member) int { return cmp.Compare(b.Score, a.Score) }) {
		t.Error("they are not in the order of their scores")
	}
	var paged []reading.Member
	for after := ""; ; {
		page, err := facts.Members(t.Context(), "x", 1777, after)
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, page.Members...)
		if after = page.Next; after == "" {
			break
		}
	}
	if !slices.Equal(paged, all.Members) {
		t.Error("the pages hold others, or in another order")
	}
}

// silent is a Kafka that does not answer.
type silent struct{ wire.Reader }

func (silent) Fetch(context.Context, []wire.Position, time.Duration) ([]wire.Fetched, error) {
	return nil, context.DeadlineExceeded
}
func (silent) Starts(context.Context, []wire.Position) ([]int64, error) {
	return nil, context.DeadlineExceeded
}
func (silent) Ends(context.Context, []wire.Position) ([]int64, error) {
	return nil, context.DeadlineExceeded
}

// Without Kafka it is not known how far shards are, nor whether there are dead letters. That is not the same as well, and none.
func TestWithoutKafkaNothingIsSaidToBeWell(t *testing.T) {
	facts := filled(t, 10)
	facts.Kafka = oneRecord{}
	if h := facts.Health(t.Context()); h.LettersUnread || !h.Shards[0].Ready {
		t.Errorf("with Kafka: %+v", h)
	}
	facts.Kafka = silent{}
	if h := facts.Health(t.Context()); h.Ready || !h.LettersUnread || h.Shards[0].Ready || h.Shards[0].Text == "" {
		t.Errorf("without it: %+v", h)
	}
}

// BenchmarkPageOfAMillion reads the first page of an expansion with a million members, and the one behind it.
func BenchmarkPageOfAMillion(b *testing.B) {
	facts := filled(b, 1_000_000)
	first, err := facts.Members(b.Context(), "x", 100, "")
	if err != nil {
		b.Fatal(err)
	}
	for name, after := range map[string]string{"first": "", "second": first.Next} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if page, err := facts.Members(b.Context(), "x", 100, after); err != nil || len(page.Members) != 100 {
					b.Fatal(err)
				}
			}
		})
	}
}
