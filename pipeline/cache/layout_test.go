package cache_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kindred/pipeline/cache"
)

// update writes the samples anew. A sample that differs afterwards is another layout: raise cache.Layout, and keep the old
// sample for the test of caches that other builds have written.
var update = flag.Bool("update", false, "write the files in testdata anew")

const sampleFile = "testdata/layout3.json"

// stored is the value of a Redis key, as a file of testdata holds it.
type stored struct {
	Hash map[string]string `json:"hash,omitempty"`

	// A string: so many bytes, which begin with these in hexadecimal and are zeros from there on.
	Length int    `json:"length,omitempty"`
	Hex    string `json:"hex,omitempty"`
}

// dump returns everything in a store by key without the prefix. What is random in the meta is replaced.
func dump(t *testing.T, s *cache.Store) map[string]stored {
	t.Helper()
	all := map[string]stored{}
	for _, key := range keysOf(t, s) {
		name := strings.TrimPrefix(key, s.Prefix)
		if s.Redis.Type(t.Context(), key).Val() == "hash" {
			hash := s.Redis.HGetAll(t.Context(), key).Val()
			for _, random := range []string{"token", "incarnation"} {
				if _, ok := hash[random]; ok {
					hash[random] = "the " + random + " of the sample"
				}
			}
			all[name] = stored{Hash: hash}
			continue
		}
		value := s.Redis.Get(t.Context(), key).Val()
		all[name] = stored{Length: len(value), Hex: hex.EncodeToString([]byte(strings.TrimRight(value, "\x00")))}
	}
	return all
}

// restore stores what dump has returned.
func restore(t *testing.T, s *cache.Store, all map[string]stored) {
	t.Helper()
	for name, v := range all {
		var err error
		if v.Hash != nil {
			err = s.Redis.HSet(t.Context(), s.Prefix+name, v.Hash).Err()
		} else {
			value := make([]byte, v.Length)
			if _, err := hex.Decode(value, []byte(v.Hex)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			err = s.Redis.Set(t.Context(), s.Prefix+name, value, 0).Err()
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func sample(t *testing.T) map[string]stored {
	t.Helper()
	text, err := os.ReadFile(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]stored
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

var sampleProgress = cache.Progress{
	Epoch: 5, RunID: "r-5", PassDone: 1, PassOf: 1, Entered: 2, Changed: 1, Members: [4]int64{3: 1},
}

// storeSample makes and stores the shard that the sample is of.
func storeSample(t *testing.T, s *cache.Store) {
	t.Helper()
	o := own(t, s)
	o.set("ann", `{"City":"Oslo","Age":41,"Member":true,"Mail":"ann@x","Nested":{"a":1}}`)
	o.set("bob", `{"City":"Ålesund","Age":-7.25}`)
	o.SetProfile(o.Take([]byte("without consent")), decoded(t, `{"fields":{"City":"Oslo"},"profiling":false}`))
	o.Take([]byte("without profile"))
	for i := range 254 { // with ann's too many addresses
		o.set(fmt.Sprint(i), fmt.Sprintf(`{"Mail":"%d@x"}`, i))
	}
	for i := range 254 {
		row := o.row(fmt.Sprint(i))
		o.EraseProfile(row)
		o.Release(row)
	}
	o.SetMember("vip", o.row("ann"), true, 7)
	o.SetMember("vip", o.row("without profile"), true, 7)
	o.Mark("vip", 7, false)
	o.Mark("staff", 9, true)
	o.Published("vip-x", true).Set(o.row("ann"), cache.PackState(3, 9100))
	o.Published("vip-x", true).Set(o.row("bob"), cache.Unknown)
	o.SetModel("vip-x", []byte(`{"epoch":5,"deleted":true}`))
	o.meta.Offsets = cache.Offsets{Profiles: 11, SegmentMembers: 12, Models: 13, Memberships: 14}
	o.meta.Through, o.meta.SavedAt = 15, 1_700_000_000_000
	progress := sampleProgress
	o.meta.Expansions["vip-x"] = &progress
	o.save()
}

func TestTheSampleIsWhatIsStored(t *testing.T) {
	s := newStore(t)
	storeSample(t, s)
	now := dump(t, s)
	if *update {
		text, err := json.MarshalIndent(now, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(sampleFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := sample(t)
	if names := slices.Sorted(maps.Keys(now)); !slices.Equal(names, slices.Sorted(maps.Keys(want))) {
		t.Fatalf("stored are %v", names)
	}
	for name, v := range now {
		if w := want[name]; v.Length != w.Length || v.Hex != w.Hex || !maps.Equal(v.Hash, w.Hash) {
			t.Errorf("%s is stored as %+v, and is %+v in %s: that is another layout", name, v, w, sampleFile)
		}
	}
}

func TestTheSampleIsLoaded(t *testing.T) {
	s := newStore(t)
	restore(t, s, sample(t))
	o := takeOver(t, s)
	ann, bob, refuses, bare := o.row("ann"), o.row("bob"), o.row("without consent"), o.row("without profile")
	check := func(row int, field, want string) {
		t.Helper()
		if got := has(o.Fields(), o.Row(row), field); got != want {
			t.Errorf("%s has %s in %s, want %s", o.ID(row), got, field, want)
		}
	}
	check(ann, "City", `"Oslo"`)
	check(ann, "Age", "41")
	check(ann, "Member", "true")
	check(ann, "Mail", "?")
	check(bob, "City", `"Ålesund"`)
	check(bob, "Age", "-7.25")
	check(bob, "Mail", "")
	check(refuses, "City", "")
	if age := o.Fields()[1]; numberIn(age, o.Row(ann)) != number("41") || numberIn(age, o.Row(bob)) != number("-7.25") {
		t.Error("the ages are not kept as numbers")
	}
	if !o.Consents(ann) || o.Consents(refuses) || !o.HasProfile(refuses) || o.HasProfile(bare) || o.Rows() != 258 {
		t.Error("who has a profile and consents has changed")
	}
	if !slices.Equal(o.Unkept().Nested, []string{"Nested"}) || o.Take([]byte("new")) != 4 {
		t.Error("what is not kept, or which rows are free, has changed")
	}
	vip, staff := o.Segment("vip"), o.Segment("staff")
	if !vip.Has(ann) || vip.Has(bob) || !vip.Has(bare) || vip.Number() != 7 || vip.Size() != 2 || vip.Flips() != 2 || !staff.Gone() {
		t.Errorf("vip has number %d, size %d, flips %d", vip.Number(), vip.Size(), vip.Flips())
	}
	x := o.Published("vip-x", false)
	if x.Get(ann) != cache.PackState(3, 9100) || x.Get(bob) != cache.Unknown || x.Get(bare) != cache.None {
		t.Errorf("published are %d, %d, %d", x.Get(ann), x.Get(bob), x.Get(bare))
	}
	if string(o.Model("vip-x")) != `{"epoch":5,"deleted":true}` {
		t.Errorf("the model is %s", o.Model("vip-x"))
	}
	m := o.meta
	if m.Offsets != (cache.Offsets{Profiles: 11, SegmentMembers: 12, Models: 13, Memberships: 14}) || m.Through != 15 ||
		m.SavedAt != 1_700_000_000_000 || *m.Expansions["vip-x"] != sampleProgress {
		t.Errorf("the meta is %+v", m)
	}
}

// TestBlocksFitWhatRedisAllocates: Redis adds a few bytes to each value, and takes what it needs in four sizes for each power of
// two. Whatever begins a class wastes nearly a fifth of it, in each of a hundred thousand blocks.
func TestBlocksFitWhatRedisAllocates(t *testing.T) {
	s := newStore(t)
	storeSample(t, s)
	for name, v := range dump(t, s) {
		if v.Length < 1024 { // a model
			continue
		}
		added, class := 6, 1024 // its length, its room, flags and an end
		if v.Length >= 1<<16 {
			added = 10
		}
		for class < v.Length {
			class += 1 << (bits.Len(uint(class)) - 3)
		}
		if left := class - v.Length; left < added || left > class/50 {
			t.Errorf("%s has %d bytes, for which Redis allocates %d or more", name, v.Length, class)
		}
	}
}

// A cache that this build cannot use is not ready for whoever reads it, damaged for its owner, and rebuilt.
func TestAMetaOfAnotherBuildLeadsToARebuild(t *testing.T) {
	check := func(what, want string, change func(t *testing.T, s *cache.Store, meta string)) {
		t.Run(what, func(t *testing.T) {
			s := newStore(t)
			restore(t, s, sample(t))
			change(t, s, s.Prefix+"{3}:meta")
			if _, err := s.Scan(t.Context(), 3, cache.Want{}); !errors.Is(err, cache.ErrNotReady) {
				t.Errorf("a scan gave %v", err)
			}
			metas, err := s.ReadMetas(t.Context(), 4)
			if err != nil || metas[3].Ready || metas[3].Damaged == "" || metas[3].Offsets != (cache.Offsets{}) || metas[2] != nil {
				t.Fatalf("the metas are %+v, %v", metas[3], err)
			}
			o := &owner{cache.New(3), t, claim(t, s, false), cache.Meta{Ready: true}}
			mirror, meta, err := s.Load(t.Context(), 3)
			if mirror != nil || err != nil || !strings.Contains(meta.Damaged, want) {
				t.Fatalf("loaded %v, %+v, %v; want damage: %s", mirror, meta, err, want)
			}
			o.set("ann", `{"City":"Bergen"}`)
			if err := o.exec(); !errors.Is(err, cache.ErrLost) {
				t.Fatalf("saving over it gave %v", err)
			}
			o.writer = claim(t, s, true)
			if keys := keysOf(t, s); len(keys) != 1 && what != "no hash" {
				t.Fatalf("left behind: %v", keys)
			}
			o.MarkAllDirty()
			o.save()
			o = takeOver(t, s)
			if got := has(o.Fields(), o.Row(o.row("ann")), "City"); got != `"Bergen"` || o.Rows() != 1 {
				t.Fatalf("rebuilt, the cache has %d rows and ann in %s", o.Rows(), got)
			}
		})
	}
	set := func(field, value string) func(t *testing.T, s *cache.Store, meta string) {
		return func(t *testing.T, s *cache.Store, meta string) { s.Redis.HSet(t.Context(), meta, field, value) }
	}
	later := strconv.Itoa(cache.Layout + 1)
	check("no number, as before there were any", fmt.Sprintf("another layout (none, this build keeps %d)", cache.Layout),
		func(t *testing.T, s *cache.Store, meta string) { s.Redis.HDel(t.Context(), meta, "layout") })
	another := fmt.Sprintf("another layout (%s, this build keeps %d)", later, cache.Layout)
	check("a later number", another, set("layout", later))
	check("a later number and fields in another form", another,
		func(t *testing.T, s *cache.Store, meta string) {
			s.Redis.HSet(t.Context(), meta, "layout", later, "counter", "2.0", "e:vip-x", "5,r-5", "new", "1")
		})
	check("a counter that is none", "read meta's counter", set("counter", "many"))
	check("a segment that is no JSON", "read meta's s:staff", set("s:staff", "{"))
	check("rows of impossible width", "read meta's width", set("width", "1000000000000"))
	check("a model of impossible size", "read meta's m:other", set("m:other", "-1"))
	check("no hash", "another layout", func(t *testing.T, s *cache.Store, meta string) {
		s.Redis.Del(t.Context(), meta)
		s.Redis.Set(t.Context(), meta, "of a much later build", 0)
	})
}

// TestARevisionTellsOfRows: as long as it is the same, so are rows, ids and fields.
func TestARevisionTellsOfRows(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("ann", `{"City":"Oslo"}`)
	o.save()
	revision := func() int64 {
		t.Helper()
		meta, err := s.ReadMeta(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		return meta.Revision
	}
	last := revision()
	if last == 0 {
		t.Fatal("it is not known")
	}
	grows := func(what string, want bool, change func()) {
		t.Helper()
		change()
		o.save()
		if now := revision(); (now > last) != want || now < last {
			t.Errorf("%s: the revision is %d, and was %d", what, now, last)
		}
		last = revision()
	}
	grows("nothing", false, func() {})
	grows("the same profile", false, func() { o.set("ann", `{"City":"Oslo"}`) })
	grows("other offsets", false, func() { o.meta.Offsets.Profiles++ })
	grows("a member", false, func() { o.SetMember("vip", o.row("ann"), true, 0) })
	grows("a published state", false, func() { o.Published("x", true).Set(o.row("ann"), cache.PackState(0, 1)) })
	grows("another profile", true, func() { o.set("ann", `{"City":"Rome"}`) })
	grows("another customer", true, func() { o.Take([]byte("bob")) })
	grows("a property that means nothing", true, func() {
		o.SetProfile(o.row("ann"), decoded(t, `{"fields":{"City":"Rome"},"other":1}`))
	})
	o = takeOver(t, s)
	grows("another owner", false, func() {})
	grows("its first change", true, func() { o.set("bob", `{"City":"Rome"}`) })

	// A build that knows no revision counts its transaction, and leaves the revision as it was.
	s.Redis.HIncrBy(t.Context(), s.Prefix+"{3}:meta", "counter", 1)
	if revision() != 0 {
		t.Error("it is taken for known after a save of a build that knows none")
	}
	o = takeOver(t, s)
	o.save()
	if now := revision(); now <= last {
		t.Errorf("after such a build it is %d, and was %d before", now, last)
	}
}
