package learn_test

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// counting counts how many shards are read.
type counting struct {
	*cache.Store
	scans atomic.Int64
	mutex sync.Mutex
	while func() // called after each scan, one at a time, when set
}

func (c *counting) Scan(ctx context.Context, shard int, want cache.Want) (*cache.View, error) {
	c.scans.Add(1)
	view, err := c.Store.Scan(ctx, shard, want)
	if c.while != nil && err == nil {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.while()
		view.After, err = c.ReadMeta(ctx, shard)
	}
	return view, err
}

// alter changes the mirror of shard 0, and stores that.
func alter(t *testing.T, store *cache.Store, change func(m *cache.Mirror, meta *cache.Meta)) {
	t.Helper()
	mirror, meta, err := store.Load(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := store.Claim(t.Context(), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	change(mirror, meta)
	if err := writer.Exec(t.Context(), mirror.Snapshot(*meta)); err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsReadWhenNothingHasChanged: a run after which nothing has changed is not done again, and what comes of it is the
// same.
func TestNothingIsReadWhenNothingHasChanged(t *testing.T) {
	const shards = 2
	begin := func() (*counting, *learn.Result, learn.Lesson) {
		c := &counting{Store: cached(t, testkit.Town(6000), shards)}
		l := lesson(func(d *schemas.Definition) { d.Suppress = []string{"employees"} })
		first, err := (&learn.Trainer{Cache: c, Number: shards}).Learn(t.Context(), l, silent)
		if err != nil {
			t.Fatal(err)
		}
		if first.Seen == "" {
			t.Fatal("it does not say what it has seen")
		}
		keep(t, c.Store, shards, "vip-expansion", []byte(bytesOf(t, first, 3)))
		l.Last, l.Before, l.Guarded = &learn.Last{Epoch: 3, Report: first.Report, Seen: first.Seen}, first.Report, true
		return c, first, l
	}
	again := func(c *counting, l learn.Lesson) (result *learn.Result, read bool) {
		t.Helper()
		c.scans.Store(0)
		result, err := (&learn.Trainer{Cache: c, Number: shards}).Learn(t.Context(), l, silent)
		if err != nil {
			t.Fatal(err)
		}
		return result, c.scans.Load() > 0
	}

	c, first, l := begin()
	alter(t, c.Store, func(_ *cache.Mirror, meta *cache.Meta) { meta.Offsets.Profiles++ }) // all of which were as they are
	repeated, read := again(c, l)
	if read {
		t.Error("shards are read again though nothing has changed")
	}
	l.Last.Seen = ""
	whole, read := again(c, l)
	if !read {
		t.Error("nothing is read though it is not known what was seen")
	}
	if !reflect.DeepEqual(repeated.Report, whole.Report) || bytesOf(t, repeated, 4) != bytesOf(t, whole, 4) ||
		!reflect.DeepEqual(repeated.Source, whole.Source) || repeated.Seen != first.Seen || whole.Seen != first.Seen {
		t.Errorf("repeated, the run gives %+v, and else %+v", repeated.Report, whole.Report)
	}

	reads := func(what string, change func(*counting, *learn.Lesson)) {
		t.Helper()
		c, _, l := begin()
		change(c, &l)
		if _, read := again(c, l); !read {
			t.Errorf("%s: nothing is read", what)
		}
	}
	altered := func(change func(*cache.Mirror, *cache.Meta)) func(*counting, *learn.Lesson) {
		return func(c *counting, _ *learn.Lesson) { alter(t, c.Store, change) }
	}
	reads("a customer has another profile", altered(func(m *cache.Mirror, _ *cache.Meta) {
		var p schemas.Profile
		if err := p.Decode([]byte(`{"fields":{"City":"Rome"}}`)); err != nil {
			t.Fatal(err)
		}
		m.SetProfile(0, &p)
	}))
	reads("somebody is new, without a profile", altered(func(m *cache.Mirror, _ *cache.Meta) { m.Take([]byte("new")) }))
	flip := func(m *cache.Mirror, segment string) { m.SetMember(segment, 0, !m.Segment(segment).Has(0), 0) }
	reads("somebody has entered or left the source", altered(func(m *cache.Mirror, _ *cache.Meta) { flip(m, "vip") }))
	reads("somebody is suppressed, or no more", altered(func(m *cache.Mirror, _ *cache.Meta) { flip(m, "employees") }))
	reads("a cache was built anew", func(c *counting, _ *learn.Lesson) {
		mirror, meta, err := c.Load(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		writer, err := c.Claim(t.Context(), 0, true)
		if err != nil {
			t.Fatal(err)
		}
		mirror.MarkAllDirty()
		if err := writer.Exec(t.Context(), mirror.Snapshot(*meta)); err != nil {
			t.Fatal(err)
		}
	})
	reads("another definition", func(_ *counting, l *learn.Lesson) { l.Definition.Share = 0.3 })
	reads("a field is declared", func(_ *counting, l *learn.Lesson) { l.Declared = []schemas.Field{{Name: "City"}} })
	reads("a dry run, which says whom it would move", func(_ *counting, l *learn.Lesson) { l.DryRun = true })
	reads("no shard has the model any more", func(_ *counting, l *learn.Lesson) { l.Last.Epoch = 2 })
	reads("the last report warns of what was unusual then", func(_ *counting, l *learn.Lesson) {
		report := *l.Last.Report
		report.Warnings = append(report.Warnings, schemas.Warning{Code: "unusual_size"})
		l.Last.Report = &report
	})

	c, _, l = begin()
	l.Last = nil
	c.while = func() {
		alter(t, c.Store, func(m *cache.Mirror, _ *cache.Meta) { flip(m, "vip") })
	}
	if result, _ := again(c, l); result.Seen != "" {
		t.Error("a run during which the source has changed believes to know what it has seen")
	}
}
