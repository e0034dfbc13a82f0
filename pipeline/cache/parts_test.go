package cache_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"golang.org/x/sync/errgroup"

	"kindred/pipeline/cache"
)

// TestAChangedMetaIsSeen: what a Store has read before does not stand in the way of what its hash says now.
func TestAChangedMetaIsSeen(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("ann", `{"City":"Oslo"}`)
	o.SetMember("vip", o.row("ann"), true, 0)
	o.meta.Topics = []string{"one", "two"}
	x, y := &cache.Progress{Epoch: 1, RunID: "r-1"}, &cache.Progress{Epoch: 7, RunID: "r-7"}
	o.meta.Expansions = map[string]*cache.Progress{"x": x, "y": y}
	seen := func(what string, change func()) {
		t.Helper()
		change()
		o.save()
		fresh := &cache.Store{Redis: s.Redis, Prefix: s.Prefix} // which knows nothing of before
		want, err := fresh.ReadMeta(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := readMeta(t, s); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: read %+v, but the cache says %+v", what, got, want)
			}
		}
	}
	seen("the first", func() {})
	seen("nothing", func() {})
	seen("a pass gets on", func() { x.PassDone, x.PassOf = 1, 2 })
	seen("it is begun again", func() { x.PassDone = 0 })
	seen("a member leaves", func() { o.SetMember("vip", o.row("ann"), false, 0) })
	seen("a state", func() { o.Published("x", true).Set(o.row("ann"), cache.PackState(0, 1)) })
	seen("another state", func() { o.Published("x", true).Set(o.row("ann"), cache.PackState(0, 2)) })
	seen("a model", func() { o.SetModel("x", []byte("model")) })
	seen("other topics", func() { o.meta.Topics = []string{"one", "three"} })
	seen("an expansion is gone", func() { delete(o.meta.Expansions, "y") })
	seen("it is back", func() { o.meta.Expansions["y"] = y })
	seen("another field", func() { o.set("bob", `{"Age":7}`) })

	s.Redis.HSet(t.Context(), s.Prefix+"{3}:meta", "e:x", "{")
	if readMeta(t, s).Damaged == "" {
		t.Error("what cannot be read is not seen")
	}
}

// TestAMetaThatWasReadStays: it is its reader's, who may count on in it, as an owner does; neither that nor what is read later
// changes another.
func TestAMetaThatWasReadStays(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("ann", `{"City":"Oslo"}`)
	o.SetMember("vip", o.row("ann"), true, 0)
	x := &cache.Progress{Epoch: 1, RunID: "r-1", PassOf: 5}
	o.meta.Expansions["x"] = x
	o.save()

	first, second := readMeta(t, s), readMeta(t, s)
	text := func(m *cache.Meta) string {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	was := text(first)
	second.Expansions["x"].PassDone = 5
	second.Expansions["new"] = &cache.Progress{}
	delete(second.Segments, "vip")
	if now := text(first); now != was {
		t.Errorf("an earlier one is %s now, and was %s", now, was)
	}
	if now := text(readMeta(t, s)); now != was {
		t.Errorf("a later one is %s, and the cache says %s", now, was)
	}
	x.PassDone = 3
	o.SetMember("vip", o.row("ann"), false, 0)
	o.save()
	readMeta(t, s)
	if now := text(first); now != was {
		t.Errorf("since the cache has changed it is %s, and was %s", now, was)
	}
}

// TestMetasAreReadBesideEachOther: by several goroutines, while the owner saves.
func TestMetasAreReadBesideEachOther(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	x := &cache.Progress{PassOf: 20}
	o.meta.Expansions["x"] = x
	o.save()
	over := make(chan struct{})
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for last, more := 0, true; more; {
				select {
				case <-over:
					more = false
				default:
				}
				m, err := s.ReadMeta(t.Context(), 3)
				if err != nil {
					return err
				}
				p := m.Expansions["x"]
				if p.PassDone < last || !more && p.PassDone != x.PassOf {
					return fmt.Errorf("block %d of %d after block %d", p.PassDone, x.PassOf, last)
				}
				last, p.PassDone = p.PassDone, 0
			}
			return nil
		})
	}
	for x.PassDone < x.PassOf {
		x.PassDone++
		o.save()
	}
	close(over)
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func readMeta(t testing.TB, s *cache.Store) *cache.Meta {
	t.Helper()
	m, err := s.ReadMeta(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
