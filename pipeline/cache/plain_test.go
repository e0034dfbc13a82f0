package cache_test

import (
	"encoding/binary"
	"maps"
	"strconv"
	"testing"

	"kindred/pipeline/format"

	"pgregory.net/rapid"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

// plain is a shard as it should be, in plain maps.
type plain struct {
	customers map[string]person // every customer who has a row
	segments  map[string]segment
	published map[string]map[string]cache.State
	models    map[string]string
	offset    int64
}

type person struct {
	profile, consents bool
	fields            map[string]string // canonical JSON by name
}

type segment struct {
	members, coming      map[string]bool
	number, comingNumber int64
	gone                 bool
	flips                int64
}

func newPlain() *plain {
	return &plain{map[string]person{}, map[string]segment{}, map[string]map[string]cache.State{}, map[string]string{}, 0}
}

// clone copies what a save keeps: not what a snapshot collects.
func (p *plain) clone() *plain {
	c := newPlain()
	c.offset = p.offset
	c.customers, c.models = maps.Clone(p.customers), maps.Clone(p.models)
	for name, s := range p.segments {
		s.members, s.coming, s.comingNumber = maps.Clone(s.members), nil, 0
		c.segments[name] = s
	}
	for name, states := range p.published {
		c.published[name] = maps.Clone(states)
	}
	return c
}

func (p *plain) take(id string) {
	if _, known := p.customers[id]; !known {
		p.customers[id] = person{}
	}
}

func (p *plain) setMember(name, id string, in bool, number int64) bool {
	s := p.segments[name]
	defer func() { p.segments[name] = s }()
	switch {
	case number == s.number:
		if s.members[id] == in {
			return false
		}
		s.members = put(s.members, id, in)
		s.flips++
		return true
	case number > s.number && number > s.comingNumber:
		s.coming, s.comingNumber = put(nil, id, in), number
	case number > s.number && number == s.comingNumber:
		s.coming = put(s.coming, id, in)
	}
	return false
}

func put(set map[string]bool, id string, in bool) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	if in {
		set[id] = true
	} else {
		delete(set, id)
	}
	return set
}

func (p *plain) mark(name string, number int64, gone bool) bool {
	s := p.segments[name]
	defer func() { p.segments[name] = s }()
	if number < s.number {
		return false
	}
	s.gone = gone
	if number == s.number {
		return false
	}
	next := s.coming
	if s.comingNumber != number {
		next = nil
	}
	if gone {
		if s.comingNumber == 0 || s.comingNumber > number {
			s.number = number
			return false
		}
		next = s.coming
	}
	for id := range s.members {
		if !next[id] {
			s.flips++
		}
	}
	for id := range next {
		if !s.members[id] {
			s.flips++
		}
	}
	s.members, s.number = next, number
	if s.comingNumber <= number {
		s.coming, s.comingNumber = nil, 0
	}
	return true
}

// release frees a customer whom nothing names.
func (p *plain) release(id string) bool {
	if p.customers[id].profile {
		return false
	}
	for _, s := range p.segments {
		if s.members[id] || s.coming[id] {
			return false
		}
	}
	for _, states := range p.published {
		if states[id] != cache.None {
			return false
		}
	}
	delete(p.customers, id)
	return true
}

// reading is what both the mirror and a view can be asked.
type reading interface {
	Find(id []byte) (int, bool)
	Row(row int) []byte
	ID(row int) []byte
	Segment(name string) *cache.Segment
}

// same compares what can be read with what should be there.
func (p *plain) same(t rapid.TB, r reading, fields []format.Field, rows int, published func(string) *cache.Published) {
	t.Helper()
	for id, want := range p.customers {
		row, ok := r.Find([]byte(id))
		if !ok {
			t.Fatalf("%s has no row", id)
		}
		bytes := r.Row(row)
		if string(r.ID(row)) != id || cache.HasProfile(bytes) != want.profile || cache.Consents(bytes) != want.consents {
			t.Fatalf("%s: row %d has id %q and flags %b, want %+v", id, row, r.ID(row), bytes[0], want)
		}
		for _, f := range fields {
			if got := has(fields, bytes, f.Name); got != want.fields[f.Name] {
				t.Fatalf("%s has %s in %s, want %s", id, got, f.Name, want.fields[f.Name])
			}
			if got, want := numberIn(f, bytes), number(want.fields[f.Name]); got != want {
				t.Fatalf("%s has the number %d in %s, want %d", id, got, f.Name, want)
			}
		}
		for name, s := range p.segments {
			if got := r.Segment(name).Has(row); got != s.members[id] {
				t.Fatalf("%s in %s: %t, want %t", id, name, got, s.members[id])
			}
		}
		for name, states := range p.published {
			if got := published(name).Get(row); got != states[id] {
				t.Fatalf("%s is published in %s as %d, want %d", id, name, got, states[id])
			}
		}
	}
	used := 0
	for row := range rows {
		if len(r.ID(row)) > 0 {
			used++
		}
	}
	if used != len(p.customers) {
		t.Fatalf("%d rows are used for %d customers", used, len(p.customers))
	}
	p.sameSegments(t, r)
}

func (p *plain) sameSegments(t rapid.TB, r reading) {
	t.Helper()
	for name, s := range p.segments {
		g := r.Segment(name)
		if g.Number() != s.number || g.Gone() != s.gone || g.Size() != int64(len(s.members)) || g.Flips() != s.flips {
			t.Fatalf("segment %s: number %d, gone %t, size %d, flips %d; want %d, %t, %d, %d", name,
				g.Number(), g.Gone(), g.Size(), g.Flips(), s.number, s.gone, len(s.members), s.flips)
		}
	}
}

// sameCounts compares the live counts, which only the owner has.
func (p *plain) sameCounts(t rapid.TB, s *cache.Mirror) {
	t.Helper()
	for position, f := range s.Fields() {
		want := map[string]int32{}
		for _, c := range p.customers {
			if text := c.fields[f.Name]; text != "" {
				want[text]++
			}
		}
		got := map[string]int32{}
		for code, n := range s.Counts(position) {
			if n > 0 && code > 0 {
				got[f.Values[code]] = n
			} else if code > 0 && code < len(f.Values) && f.Values[code] != "" {
				t.Fatalf("%s keeps %s, which nobody has", f.Name, f.Values[code])
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%s: counts %v, want %v", f.Name, got, want)
		}
	}
	for name, states := range p.published {
		var members [cache.Bands]int64
		for _, state := range states {
			if state.Member() {
				members[state.Band()]++
			}
		}
		if got := s.Published(name, false).Members(); got != members {
			t.Fatalf("%s has members %v, want %v", name, got, members)
		}
	}
}

func numberIn(f format.Field, row []byte) uint32 {
	if f.Number < 0 {
		return 0
	}
	return binary.LittleEndian.Uint32(row[f.Number:])
}

func number(text string) uint32 {
	if number, is := format.Number(text); is {
		return format.Key(number)
	}
	return 0
}

var fieldNames = []string{"Gender", "City", "Age", "Member", "Score", "Note", "Plan", "Tier", "Last"}

// drawProfile draws a profile and what of it should be kept.
func drawProfile(t *rapid.T) (*schemas.Profile, person) {
	p := &schemas.Profile{Profiling: rapid.IntRange(0, 5).Draw(t, "profiling") > 0}
	kept := map[string]string{}
	count := rapid.IntRange(0, len(fieldNames)).Draw(t, "fields")
	first := rapid.IntRange(0, len(fieldNames)-1).Draw(t, "first")
	for i := range count {
		v := schemas.FieldValue{Name: []byte(fieldNames[(first+i)%len(fieldNames)])}
		v.Kind = rapid.SampledFrom([]schemas.Kind{
			schemas.Absent, schemas.String, schemas.String, schemas.Number, schemas.Number, schemas.Bool, schemas.Other,
		}).Draw(t, "kind")
		switch v.Kind {
		case schemas.String:
			v.Text = []byte(rapid.SampledFrom([]string{"F", "M", "", "Ålesund", "a \"b\"\n", "41", "true", "\u2028"}).Draw(t, "text"))
		case schemas.Number:
			v.Number = rapid.SampledFrom([]float64{0, 41, -7.25, 1e300, 0.1}).Draw(t, "number")
		case schemas.Bool:
			v.Bool = rapid.Bool().Draw(t, "bool")
		}
		if v.Kind != schemas.Absent && v.Kind != schemas.Other {
			kept[string(v.Name)] = string(schemas.AppendCanonical(nil, &v))
		}
		p.Fields = append(p.Fields, v)
	}
	if !p.Profiling {
		return p, person{profile: true}
	}
	return p, person{true, true, kept}
}

// A mirror that is saved at random moments is what plain maps would be, after a crash as after the last save: rows and
// offsets are lost together.
func TestMirrorIsWhatPlainMapsWouldBe(t *testing.T) {
	for _, whole := range []bool{false, true} {
		t.Run("whole="+strconv.FormatBool(whole), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { compareRun(t, rt, whole) })
		})
	}
}

func compareRun(t *testing.T, rt *rapid.T, whole bool) {
	s := newStore(t)
	s.Whole = whole
	o := own(t, s)
	o.Whole = whole
	now := newPlain()
	if rapid.IntRange(0, 4).Draw(rt, "many") == 0 { // so that customers lie on both sides of a block's end
		for i := range cache.BlockRows - 5 {
			id := "z-" + strconv.Itoa(i)
			o.Take([]byte(id))
			now.take(id)
		}
	}
	o.save()
	saved := now.clone()
	id := rapid.Custom(func(t *rapid.T) string {
		id := "c-" + strconv.Itoa(rapid.IntRange(0, 14).Draw(t, "customer"))
		if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
			id += "/with a very much longer id"
		}
		return id
	})
	anySegment := rapid.SampledFrom([]string{"vip", "staff"})
	anyExpansion := rapid.SampledFrom([]string{"vip-x", "staff-x"})
	rt.Repeat(map[string]func(*rapid.T){
		"profile": func(rt *rapid.T) {
			id := id.Draw(rt, "id")
			p, want := drawProfile(rt)
			was, known := now.customers[id]
			same := known && was.profile == want.profile && was.consents == want.consents && maps.Equal(was.fields, want.fields)
			now.customers[id] = want
			if changed := o.SetProfile(o.Take([]byte(id)), p); changed == same {
				rt.Fatalf("changed is %t", changed)
			}
		},
		"erase": func(rt *rapid.T) {
			id := id.Draw(rt, "id")
			if row, ok := o.Find([]byte(id)); ok {
				if o.EraseProfile(row) != now.customers[id].profile {
					rt.Fatal("erasing said the wrong thing")
				}
				now.customers[id] = person{}
			}
		},
		"member": func(rt *rapid.T) {
			id, name := id.Draw(rt, "id"), anySegment.Draw(rt, "segment")
			in, number := rapid.Bool().Draw(rt, "in"), rapid.Int64Range(0, 4).Draw(rt, "number")
			now.take(id)
			if o.SetMember(name, o.Take([]byte(id)), in, number) != now.setMember(name, id, in, number) {
				rt.Fatal("being a member said the wrong thing")
			}
		},
		"mark": func(rt *rapid.T) {
			name, number := anySegment.Draw(rt, "segment"), rapid.Int64Range(0, 4).Draw(rt, "number")
			gone := rapid.IntRange(0, 3).Draw(rt, "gone") == 0
			if o.Mark(name, number, gone) != now.mark(name, number, gone) {
				rt.Fatal("the mark said the wrong thing")
			}
		},
		"publish": func(rt *rapid.T) {
			id, name := id.Draw(rt, "id"), anyExpansion.Draw(rt, "expansion")
			state := rapid.SampledFrom([]cache.State{
				cache.None, cache.Unknown, cache.PackState(0, 0), cache.PackState(2, 7311), cache.PackState(3, 10000),
			}).Draw(rt, "state")
			now.take(id)
			o.Published(name, true).Set(o.Take([]byte(id)), state)
			if now.published[name] == nil {
				now.published[name] = map[string]cache.State{}
			}
			now.published[name][id] = state
		},
		"release": func(rt *rapid.T) {
			id := id.Draw(rt, "id")
			if row, ok := o.Find([]byte(id)); ok && o.Release(row) != now.release(id) {
				rt.Fatal("releasing said the wrong thing")
			}
		},
		"forget": func(rt *rapid.T) {
			name := anyExpansion.Draw(rt, "expansion")
			o.Forget(name)
			clear(now.published[name])
		},
		"model": func(rt *rapid.T) {
			name, model := anyExpansion.Draw(rt, "expansion"), rapid.StringN(1, 20, 20).Draw(rt, "model")
			o.SetModel(name, []byte(model))
			now.models[name] = model
		},
		"save": func(rt *rapid.T) {
			now.offset++
			o.meta.Offsets.Profiles = now.offset
			o.meta.Expansions["vip-x"] = &cache.Progress{Epoch: now.offset}
			o.save()
			saved = now.clone()
		},
		"write anew": func(rt *rapid.T) {
			o.MarkAllDirty()
		},
		"crash": func(rt *rapid.T) {
			o = takeOver(t, s)
			now = saved.clone()
			if o.meta.Offsets.Profiles != now.offset {
				rt.Fatalf("offset %d, want %d", o.meta.Offsets.Profiles, now.offset)
			}
		},
		"scan": func(rt *rapid.T) {
			v := scan(t, s, cache.Want{Segments: []string{"vip", "staff"}, Expansions: []string{"vip-x", "staff-x"}})
			saved.same(rt, v, v.Fields, v.NumRows, v.Published)
		},
		"": func(rt *rapid.T) {
			now.same(rt, o.Mirror, o.Fields(), o.Rows(), func(name string) *cache.Published { return o.Published(name, false) })
			now.sameCounts(rt, o.Mirror)
			for name, model := range now.models {
				if string(o.Model(name)) != model {
					rt.Fatalf("model of %s is %q, want %q", name, o.Model(name), model)
				}
			}
		},
	})
}
