package reading_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// desk is an installation whose topics a book keeps up with.
type desk struct {
	*testkit.World
	book *reading.Book
	seen int64 // changes that until has looked at
}

func newDesk(t *testing.T) *desk {
	w := testkit.New(t, testkit.Connect(t, testkit.Kafka(t).ListenAddrs()...), "kindred.", 2)
	d := &desk{World: w, book: &reading.Book{Prefix: w.Prefix, Kafka: w.Fetcher, MostRuns: 3}}
	return d
}

// follow lets the book keep up from now on.
func (d *desk) follow() { d.Run(func() error { return d.book.Run(d.Ctx) }) }

// say publishes a record of a topic of one partition.
func (d *desk) say(topic, key, value string) {
	d.Helper()
	raw := []byte(value)
	if value == "" {
		raw = nil
	}
	d.Publish(topic, 0, time.Now(), key, raw, nil)
}

// until waits for the changes after which a condition holds.
func (d *desk) until(what string, holds func() bool) {
	d.Helper()
	for !holds() {
		_, next, wake := d.book.Changes.Since(d.seen)
		d.seen = next
		if wake == nil {
			continue
		}
		select {
		case <-wake:
		case <-d.Ctx.Done():
			d.Fatalf("%s: that never came", what)
		}
	}
}

func (d *desk) run(expansion, id, more string) {
	d.say(schemas.Runs, expansion, fmt.Sprintf(`{"runId":%q,"expansionId":%q,%s}`, id, expansion, more))
}

func TestABookKeepsUpWithItsTopics(t *testing.T) {
	d := newDesk(t)
	d.say(schemas.Expansions, "a", `{"expansionId":"a","state":"live","name":"A"}`)
	d.say(schemas.Segments, "vip", `{"segmentId":"vip","name":"VIP"}`)
	d.say(schemas.Fields, "City", `{"name":"City","type":"StringType"}`)
	if s := d.book.State(); s.Whole {
		t.Errorf("before it has read anything it says %+v", s)
	}
	d.follow()
	d.until("it has read all", func() bool { return d.book.State().Whole })
	if e := d.book.Expansion("a"); e == nil || e.Name != "A" || len(d.book.Segments()) != 1 || len(d.book.Declared()) != 1 {
		t.Fatalf("it holds %+v, %+v and %+v", e, d.book.Segments(), d.book.Declared())
	}

	d.say(schemas.Expansions, "b", `{"expansionId":"b","state":"new"}`)
	d.say(schemas.Expansions, "a", `{"expansionId":"a","state":"live","name":"A2"}`)
	d.say(schemas.Segments, "vip", "")
	d.say(schemas.Fields, "City", "")
	d.until("what came then", func() bool {
		return d.book.Expansion("a").Name == "A2" && len(d.book.Expansions()) == 2 && len(d.book.Segments())+len(d.book.Declared()) == 0
	})

	// What nobody can read takes nothing with it.
	d.say(schemas.Expansions, "a", `{"expansionId":7}`)
	d.say(schemas.Expansions, "b", "")
	d.until("it goes on behind it", func() bool { return d.book.Expansion("b") == nil })
	if e := d.book.Expansion("a"); e == nil || e.Name != "A2" {
		t.Errorf("of an expansion whose record cannot be read it says %+v, want the last one that could", e)
	}
}

// A dry run of what does not exist yet makes no expansion, as in every other list.
func TestABookHoldsNoExpansionThatWasOnlyTried(t *testing.T) {
	d := newDesk(t)
	d.say(schemas.Expansions, "a", `{"expansionId":"a","state":"new","uncommitted":true}`)
	d.say(schemas.Expansions, "b", `{"expansionId":"b","state":"new"}`)
	d.OK(d.book.Read(d.Ctx, schemas.Expansions))
	if all := d.book.Expansions(); len(all) != 1 || all[0].ExpansionID != "b" {
		t.Errorf("it holds %+v", all)
	}
}

// A command may not go on with less than there is: what cannot be read ends it.
func TestABookThatIsReadOnceRefusesWhatCannotBeRead(t *testing.T) {
	d := newDesk(t)
	d.say(schemas.Segments, "vip", `{"segmentId":7}`)
	if err := d.book.Read(d.Ctx, schemas.Segments); err == nil {
		t.Error("it says nothing")
	}
}

// However many runs there are, those that are kept are the newest, and those of one expansion do not drive out those of another.
func TestABookKeepsTheNewestRunsOfEachExpansion(t *testing.T) {
	d := newDesk(t)
	d.run("rare", "r-0", `"status":"successful","report":{"cut":0.6}`)
	for i := range 10 {
		d.run("busy", fmt.Sprint("b-", i), `"status":"queued"`)
		d.run("busy", fmt.Sprint("b-", i), `"status":"failed","error":{"code":"shrink","message":"m"}`)
	}
	d.say(schemas.Runs, "busy", "no json")
	d.OK(d.book.Read(d.Ctx, schemas.Runs))
	ids := func(runs []reading.Run) (all string) {
		for _, r := range runs {
			all += r.RunID + " "
		}
		return all
	}
	check := func(want, expansion string, limit int) {
		t.Helper()
		if got := ids(d.book.Runs(expansion, limit)); got != want {
			t.Errorf("the newest %d of %q are %s, want %s", limit, expansion, got, want)
		}
	}
	check("b-9 b-8 b-7 ", "busy", 100)
	check("b-9 b-8 ", "busy", 2)
	check("r-0 ", "rare", 100)
	check("b-9 b-8 b-7 r-0 ", "", 100)
	check("", "none", 100)
	if r := d.book.Runs("busy", 1)[0]; r.Status != schemas.Failed || r.Error.Code != "shrink" || r.At.IsZero() {
		t.Errorf("the newest is %+v", r)
	}

	whole, err := d.book.WholeRun(d.Ctx, "rare", "r-0")
	if err != nil || whole.Report == nil || whole.Report.Cut != 0.6 {
		t.Errorf("with its report a run is %+v (%v)", whole, err)
	}
	var refusal *reading.Refusal
	if _, err := d.book.WholeRun(d.Ctx, "busy", "b-0"); !errors.As(err, &refusal) || refusal.Code != reading.NoRun {
		t.Errorf("of a run that is not kept it says %v", err)
	}
}

// Whoever cannot be told what has changed is told that everything may have.
func TestChangesAreToldOnceOrAllAtOnce(t *testing.T) {
	var c reading.Changes
	names := func(from int64) string {
		names, _, _ := c.Since(from)
		return fmt.Sprint(names)
	}
	_, _, wake := c.Since(0)
	c.Add("a")
	<-wake
	c.Add("b")
	c.Add("a")
	for from, want := range map[int64]string{0: "[a b]", 1: "[b a]", 2: "[a]", 3: "[]", 4: "[everything]", -1: "[everything]"} {
		if got := names(from); got != want {
			t.Errorf("since %d: %s, want %s", from, got, want)
		}
	}
	for range 2000 {
		c.Add("c")
	}
	if got := names(0); got != "[everything]" {
		t.Errorf("far behind: %s", got)
	}
	if got := names(c.Next() - 1000); got != "[c]" {
		t.Errorf("not so far behind: %s", got)
	}
}

// recreated is a Kafka whose topic of expansions is deleted and created again, with b in the place of a.
type recreated struct {
	wire.Reader
	again bool
}

func (*recreated) Ends(_ context.Context, of []wire.Position) ([]int64, error) {
	return make([]int64, len(of)), nil
}

func (r *recreated) Fetch(ctx context.Context, from []wire.Position, wait time.Duration) (all []wire.Fetched, err error) {
	if err := retry.Sleep(ctx, wait); err != nil {
		return nil, err
	}
	for _, at := range from {
		f := wire.Fetched{Position: at}
		f.Set.From = at.Offset
		if at.Topic == "kindred.expansions" {
			id := map[bool]string{false: "a", true: "b"}[r.again]
			switch at.Offset {
			case 0:
				var b wire.Builder
				b.Add(1000, []byte(id), fmt.Appendf(nil, `{"expansionId":%q,"state":"live"}`, id), nil)
				f.HighWatermark, f.Stable, f.Data = 1, 1, b.Finish(-1, -1, -1, false)
			default:
				f.HighWatermark, f.Stable = 1, 1
				if !r.again {
					r.again, f.HighWatermark, f.Stable, f.OutOfRange = true, 0, 0, true
				}
			}
		}
		all = append(all, f)
	}
	return all, nil
}

func TestABookBeginsAnewWithItsTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := &reading.Book{Prefix: "kindred.", Kafka: &recreated{}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- book.Run(ctx) }()
		time.Sleep(700 * time.Millisecond)
		if book.Expansion("a") == nil || !book.State().Whole {
			t.Errorf("at first it holds %+v", book.Expansions())
		}
		time.Sleep(time.Minute)
		if all := book.Expansions(); len(all) != 1 || all[0].ExpansionID != "b" || !book.State().Whole {
			t.Errorf("then it holds %+v", all)
		}
		if names, _, _ := book.Changes.Since(1); !slices.Contains(names, reading.Everything) {
			t.Errorf("it tells %v", names)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
