package cache_test

import (
	"errors"
	"strconv"
	"sync/atomic"
	"testing"

	"kindred/pipeline/cache"
)

// When the shard changes owners, or its rows are laid out anew, in the middle of a scan, it reads again.
func TestTornScansAreRepeated(t *testing.T) {
	disturbances := map[string]func(t *testing.T, s *cache.Store, o *owner){
		"another owner": func(t *testing.T, s *cache.Store, _ *owner) { claim(t, s, false) },
		"a new incarnation": func(t *testing.T, s *cache.Store, o *owner) {
			o.writer = claim(t, s, true)
			o.MarkAllDirty()
			o.save()
		},
		"wider rows": func(t *testing.T, s *cache.Store, o *owner) {
			o.set("c-1", `{"A":1,"B":2,"C":3,"D":4,"E":5}`)
			o.save()
		},
		"longer ids": func(t *testing.T, s *cache.Store, o *owner) {
			o.set("a longer id than before", `{"A":1}`)
			o.save()
		},
		"a block that is away for a while": func(t *testing.T, s *cache.Store, o *owner) {
			s.Redis.Del(t.Context(), s.Prefix+"{3}:rows:0")
		},
	}
	for name, disturb := range disturbances {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			o := own(t, s)
			for i := range 50 {
				o.set("c-"+strconv.Itoa(i), `{"A":"`+strconv.Itoa(i)+`"}`)
			}
			o.save()
			block := s.Redis.Get(t.Context(), s.Prefix+"{3}:rows:0").Val()
			var reads atomic.Int32
			intercept(t, s, &hook{blocks: func(next func() error) error {
				switch reads.Add(1) {
				case 1: // meta was read, the blocks were not yet
					disturb(t, s, o)
				case 2:
					if name == "a block that is away for a while" {
						s.Redis.Set(t.Context(), s.Prefix+"{3}:rows:0", block, 0)
					}
				}
				return next()
			}})
			v := scan(t, s, cache.Want{})
			if reads.Load() < 2 {
				t.Fatal("the scan was not repeated")
			}
			for i := range 50 {
				if got := has(v.Fields, v.Row(i), "A"); string(v.ID(i)) != "c-"+strconv.Itoa(i) ||
					got != `"`+strconv.Itoa(i)+`"` && !(name == "wider rows" && i == 1 && got == "1") {
					t.Fatalf("row %d is %s with %s", i, v.ID(i), got)
				}
			}
		})
	}
}

// Who is in an expansion must be known: a state that is unknown is read again, until the owner has answered it.
func TestTheMembersOfAnExpansionAreReadAsASegment(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	states := o.Published("x", true)
	for i := range 50 {
		o.set("c-"+strconv.Itoa(i), `{"A":1}`)
		if i%2 == 0 {
			states.Set(i, cache.PackState(i%cache.Bands, i))
		}
	}
	states.Set(7, cache.Unknown)
	o.save()
	if v := scan(t, s, cache.Want{Expansions: []string{"x"}}); v.Published("x").Unknown() != 1 {
		t.Error("whoever wants the states themselves has those that are unknown, too")
	}
	var reads atomic.Int32
	intercept(t, s, &hook{blocks: func(next func() error) error {
		if reads.Add(1) == 3 { // a scan reads rows, then states: this is the second
			states.Set(7, cache.None)
			o.save()
		}
		return next()
	}})
	v := scan(t, s, cache.Want{Derived: []string{"x", "nobody"}})
	if reads.Load() < 4 {
		t.Error("an unknown state was taken for known")
	}
	x := v.Segment("x")
	for i := range 50 {
		if x.Has(i) != (i%2 == 0) {
			t.Errorf("row %d: in the segment is %v", i, x.Has(i))
		}
	}
	if x.Size() != 25 || v.Segment("nobody").Size() != 0 {
		t.Errorf("%d members of x and %d of nobody, want 25 and 0", x.Size(), v.Segment("nobody").Size())
	}
}

func TestScanOfADamagedCacheEnds(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("a", `{"City":"Oslo"}`)
	o.save()
	s.Redis.Del(t.Context(), s.Prefix+"{3}:ids:0")
	if _, err := s.Scan(t.Context(), 3, cache.Want{}); !errors.Is(err, cache.ErrNotReady) {
		t.Fatalf("the scan gave %v", err)
	}
}

func TestViewIntoTheMemoryOfAnother(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	for i := range 3*cache.BlockRows + 5 {
		o.set("c-"+strconv.Itoa(i), `{"A":"`+strconv.Itoa(i%9)+`"}`)
		o.SetMember("vip", i, i%4 == 0, 0)
		o.SetMember("rare", i, i%97 == 0, 0)
		if i%5 == 0 {
			o.Published("x", true).Set(i, cache.PackState(i%4, i%10_001))
		}
	}
	o.save()
	want := cache.Want{Segments: []string{"vip", "rare", "unheard"}, Expansions: []string{"x", "unheard"}}
	for range 3 {
		v := scan(t, s, want)
		want.Into = v
		rows := 0
		for b := range v.Blocks() {
			rows += len(v.Rows(b)) / v.Width
		}
		if rows != o.Rows() {
			t.Fatalf("the blocks have %d rows", rows)
		}
		for i := range o.Rows() {
			if string(v.ID(i)) != "c-"+strconv.Itoa(i) || has(v.Fields, v.Row(i), "A") != `"`+strconv.Itoa(i%9)+`"` ||
				v.Segment("vip").Has(i) != (i%4 == 0) || v.Published("x").Get(i).Member() != (i%5 == 0) ||
				v.Segment("unheard").Has(i) || v.Published("unheard").Get(i) != cache.None {
				t.Fatalf("row %d is wrong", i)
			}
			block, at := i/cache.BlockRows, i%cache.BlockRows
			if v.Segment("vip").Block(block).Has(at) != (i%4 == 0) || v.Segment("unheard").Block(block).Has(at) {
				t.Fatalf("row %d is wrong when its block is asked", i)
			}
		}
		for name, step := range map[string]int{"vip": 4, "rare": 97, "unheard": 1 << 30} {
			next := 0 // member
			if name == "unheard" {
				next = step
			}
			for b := range v.Blocks() {
				v.Segment(name).Block(b).Each(len(v.Rows(b))/v.Width, func(i int) {
					if b*cache.BlockRows+i != next {
						t.Fatalf("%s: row %d is visited, want %d", name, b*cache.BlockRows+i, next)
					}
					next += step
				})
			}
			if next < o.Rows() {
				t.Fatalf("%s: row %d is not visited", name, next)
			}
		}
	}
}

func TestMetaOfAllShards(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("a", `{}`)
	o.SetMember("vip", 0, true, 0)
	o.Mark("gone", 0, true)
	o.meta.Offsets = cache.Offsets{Profiles: 1, SegmentMembers: 2, Models: 3, Memberships: 4}
	o.meta.Through, o.meta.SavedAt = 5, 6
	o.meta.Expansions["x"] = &cache.Progress{Epoch: 7, RunID: "r", PassDone: 1, PassOf: 2, Entered: 3, Left: 4, Changed: 5, Members: [4]int64{1, 2, 3, 4}}
	o.save()
	metas, err := s.ReadMetas(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	for shard, m := range metas {
		if (m != nil) != (shard == 3) {
			t.Fatalf("shard %d: %+v", shard, m)
		}
	}
	m := metas[3]
	if !m.Ready || m.Offsets != o.meta.Offsets || m.Through != 5 || m.SavedAt != 6 || m.Rows != 1 || m.Token == "" ||
		*m.Expansions["x"] != *o.meta.Expansions["x"] || m.Segments["vip"].Size != 1 || m.Segments["vip"].Flips != 1 || !m.Segments["gone"].Gone {
		t.Fatalf("%+v", m)
	}
	delete(o.meta.Expansions, "x")
	o.save()
	if m, err := s.ReadMeta(t.Context(), 3); err != nil || len(m.Expansions) != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
}

// A bare view knows the same customers and members as a whole one, and has read no row.
func TestABareViewHasNoRows(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	for i := range 5000 {
		o.set("c-"+strconv.Itoa(i), `{"A":"`+strconv.Itoa(i%7)+`"}`)
		o.Published("x", true).Set(i, cache.PackState(i%4, i))
	}
	o.save()
	whole := scan(t, s, cache.Want{Expansions: []string{"x"}})
	s.Redis.Del(t.Context(), s.Prefix+"{3}:rows:0") // a whole view would miss it
	bare := scan(t, s, cache.Want{Expansions: []string{"x"}, Bare: true})
	if bare.NumRows != whole.NumRows || len(bare.Fields) != len(whole.Fields) {
		t.Fatalf("it has %d rows, want %d", bare.NumRows, whole.NumRows)
	}
	for row := range whole.NumRows {
		if string(bare.ID(row)) != string(whole.ID(row)) || bare.Published("x").Get(row) != whole.Published("x").Get(row) {
			t.Fatalf("row %d is of %q", row, bare.ID(row))
		}
	}
}

// A view is taken over for as long as no row, id or field of the shard has changed; who is in a segment and what is published are
// read again all the same.
func TestAViewIsKeptWhileItsRowsAreTheSame(t *testing.T) {
	begin := func() (*cache.Store, *owner, cache.Want) {
		s := newStore(t)
		o := own(t, s)
		for i := range 50 {
			o.set("c-"+strconv.Itoa(i), `{"A":"`+strconv.Itoa(i)+`"}`)
		}
		o.SetMember("vip", 1, true, 0)
		o.save()
		want := cache.Want{Segments: []string{"vip"}, Expansions: []string{"x"}}
		want.Keep = scan(t, s, want)
		return s, o, want
	}
	look := func(what string, s *cache.Store, o *owner, want cache.Want, kept bool) {
		t.Helper()
		v, err := s.Scan(t.Context(), 3, want)
		switch {
		case errors.Is(err, cache.ErrOtherRows) && !kept:
			want.Into, want.Keep = want.Keep, nil
			v = scan(t, s, want)
		case err != nil:
			t.Fatal(err)
		}
		if v.Kept != kept {
			t.Errorf("%s: that the view is kept is %v", what, v.Kept)
		}
		for i := range o.Rows() {
			if string(v.ID(i)) != string(o.ID(i)) || has(v.Fields, v.Row(i), "A") != has(o.Fields(), o.Row(i), "A") ||
				v.Segment("vip").Has(i) != o.Segment("vip").Has(i) || v.Published("x").Get(i) != o.Published("x", false).Get(i) {
				t.Fatalf("%s: row %d is wrong", what, i)
			}
		}
	}
	s, o, want := begin()
	look("nothing has changed", s, o, want, true)
	o.SetMember("vip", 7, true, 0)
	o.Published("x", true).Set(9, cache.PackState(1, 7000))
	o.meta.Offsets.Profiles++
	o.save()
	look("members have changed", s, o, want, true)
	want.Keep = scan(t, s, want)
	look("it was kept before", s, o, want, true)
	want.Into, want.Keep = want.Keep, nil
	look("nobody wants that", s, o, want, false)

	changed := func(what string, change func(s *cache.Store, o *owner)) {
		t.Helper()
		s, o, want := begin()
		change(s, o)
		look(what, s, o, want, false)

		s, o, want = begin()
		var reads atomic.Int32
		intercept(t, s, &hook{blocks: func(next func() error) error {
			if reads.Add(1) == 1 { // the view was taken over, the segment is being read
				change(s, o)
			}
			return next()
		}})
		look(what+" while it is looked at", s, o, want, false)
	}
	changed("a row", func(_ *cache.Store, o *owner) {
		o.set("c-7", `{"A":"8"}`)
		o.save()
	})
	changed("somebody is new", func(_ *cache.Store, o *owner) {
		o.Take([]byte("new"))
		o.save()
	})
	changed("a field is new", func(_ *cache.Store, o *owner) {
		o.set("c-7", `{"A":"7","B":1}`)
		o.save()
	})
	changed("another owner", func(s *cache.Store, _ *owner) { claim(t, s, false) })
	changed("another incarnation", func(s *cache.Store, o *owner) {
		o.writer = claim(t, s, true)
		o.MarkAllDirty()
		o.save()
	})

	s, o, want = begin()
	want.Bare, want.Keep = true, nil
	want.Keep = scan(t, s, want)
	want.Bare = false
	look("it has no rows", s, o, want, false)
}
