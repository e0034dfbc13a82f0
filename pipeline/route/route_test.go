package route_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// expect compares the members of segments with those listed, separated by spaces.
func (w *world) expect(what string, want map[string]string) {
	w.Helper()
	got := w.members()
	for id, members := range want {
		if list := strings.Join(got[id], " "); list != members {
			w.Errorf("%s: %s has %q, want %q", what, id, list, members)
		}
	}
}

func TestChangesReachTheShards(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"segmentId":"vip","name":"VIP customers","added":["c-1","c-2","c-3"]}`)
	w.say("vip", `{"added":["c-4"],"removed":["c-4","c-1"]}`)
	w.say("", `{"segmentId":"staff","added":["c-1"]}`)
	w.routed(never)
	w.expect("out comes after in", map[string]string{"vip": "c-2 c-3", "staff": "c-1"})
	if s := w.segment("vip"); s.Name != "VIP customers" || s.Number != 0 || s.Gone {
		t.Errorf("it is remembered as %+v", s)
	}
	if s := w.segment("staff"); s.Name != "staff" {
		t.Errorf("without a name it is called %q", s.Name)
	}
}

func TestASnapshotReplacesTheMembers(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"added":["old","stays"]}`)
	first := w.say("vip", `{"snapshot":"s-1","part":2,"parts":3,"members":["b","gone","stays"]}`)
	w.say("vip", `{"added":["late"],"removed":["gone","old"],"name":"Between"}`)
	w.say("other", `{"added":["x"]}`)
	w.say("vip", `{"snapshot":"s-1","part":3,"parts":3,"members":["c"]}`)
	w.routed(never)
	w.expect("two of three parts have no effect", map[string]string{"vip": "late stays", "other": "x"})
	if s := w.segment("vip"); s.Open == nil || !slices.Equal(s.Open.Have, []int{2, 3}) || s.Open.First != first || s.Number != 0 {
		t.Errorf("it is remembered as %+v", s)
	}

	w.say("vip", `{"snapshot":"s-1","part":1,"parts":3,"members":["a"]}`)
	w.routed(never)
	w.expect("the changes come after the snapshot", map[string]string{"vip": "a b c late stays", "other": "x"})
	s := w.segment("vip")
	if s.Open != nil || s.Number != first || s.LastSnapshot != "s-1" || !slices.Equal(s.Recent, []string{"s-1"}) || s.Name != "Between" {
		t.Errorf("it is remembered as %+v", s)
	}

	w.say("vip", `{"removed":["a"]}`)
	again := w.say("vip", `{"snapshot":"s-1","part":1,"parts":1,"members":["never"]}`)
	w.routed(never)
	w.expect("a snapshot id names one snapshot for ever", map[string]string{"vip": "b c late stays"})
	if want := []string{fmt.Sprintf("snapshot_reused@%d", again)}; !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
}

func TestAPartCountsOnce(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["a"]}`)
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["a"]}`)
	other := w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["other"]}`)
	bad := w.say("vip", `{"snapshot":"s-1","part":2,"parts":3,"members":["bad"]}`)
	w.say("vip", `{"snapshot":"s-1","part":2,"parts":2,"members":["b"]}`)
	w.routed(never)
	w.expect("the first of each", map[string]string{"vip": "a b"})
	if want := []string{fmt.Sprintf("snapshot_reused@%d", other), fmt.Sprintf("schema@%d", bad)}; !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
}

func TestANewerSnapshotSupersedes(t *testing.T) {
	w := newWorld(t)
	first := w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["a"]}`)
	w.say("vip", `{"snapshot":"s-2","part":1,"parts":2,"members":["b"]}`)
	late := w.say("vip", `{"snapshot":"s-1","part":2,"parts":2,"members":["c"]}`)
	w.say("vip", `{"snapshot":"s-2","part":2,"parts":2,"members":["d"]}`)
	w.routed(never)
	w.expect("the newer one wins", map[string]string{"vip": "b d"})
	want := []string{fmt.Sprintf("incomplete_snapshot@%d", first), fmt.Sprintf("incomplete_snapshot@%d", late)}
	if !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	w.Partition(schemas.DeadLetters, 0, func(r *wire.Record) {
		if letter, err := schemas.ReadDeadLetter(r); err == nil && letter.Offset == first && !strings.Contains(string(letter.Value), `["a"]`) {
			t.Errorf("the first part is not in its dead letter: %s", letter.Value)
		}
	})
}

func TestAnHourBetweenItsPartsEndsASnapshot(t *testing.T) {
	w := newWorld(t)
	first := w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["a"]}`)
	w.now += time.Hour.Milliseconds() - 2*time.Minute.Milliseconds()
	w.say("other", `{"added":["x"]}`)
	w.routed(never)
	if letters := w.letters(); len(letters) > 0 {
		t.Errorf("dead letters too early: %v", letters)
	}
	w.now += 2 * time.Minute.Milliseconds()
	late := w.say("vip", `{"snapshot":"s-1","part":2,"parts":2,"members":["b"]}`)
	w.say("vip", `{"added":["c"]}`)
	w.routed(never)
	w.expect("it never took effect", map[string]string{"vip": "c", "other": "x"})
	want := []string{fmt.Sprintf("incomplete_snapshot@%d", first), fmt.Sprintf("incomplete_snapshot@%d", late)}
	if !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
}

func TestACompleteSnapshotDoesNotExpire(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["a"]}`)
	w.routed(never)
	w.say("vip", `{"snapshot":"s-1","part":2,"parts":2,"members":["b"]}`)
	w.routed(never)
	w.now += 2 * time.Hour.Milliseconds()
	w.say("other", `{"added":["x"]}`)
	w.routed(never) // this term has read that it was open, and then that it was not
	w.expect("it stays", map[string]string{"vip": "a b", "other": "x"})
	if letters := w.letters(); len(letters) > 0 {
		t.Errorf("dead letters: %v", letters)
	}
}

func TestAGoneSegmentStaysAsItWas(t *testing.T) {
	w := newWorld(t)
	w.say("nobody", "")
	w.say("vip", `{"added":["a","b"]}`)
	w.say("vip", "")
	w.say("vip", "")
	w.routed(never)
	w.expect("gone", map[string]string{"vip": "(gone) a b", "nobody": ""})
	marks := 0
	for _, record := range w.written() {
		if strings.Contains(record, " vip/=") {
			marks++
		}
	}
	if marks != shards {
		t.Errorf("%d marks, want one in each of %d shards", marks, shards)
	}
	if s := w.segment("vip"); !s.Gone {
		t.Errorf("it is remembered as %+v", s)
	}
	w.say("vip", `{"added":["c","d"],"removed":["d"]}`)
	w.say("vip", `{"added":["e"]}`)
	w.routed(never)
	w.expect("a change starts it anew from empty", map[string]string{"vip": "c e"})

	w.say("vip", "")
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["f"]}`)
	w.say("vip", `{"added":["g"]}`)
	w.routed(never)
	w.expect("also while a snapshot is open", map[string]string{"vip": "g"})
	w.say("vip", `{"snapshot":"s-1","part":2,"parts":2,"members":[]}`)
	w.routed(never)
	w.expect("and the snapshot counts nevertheless", map[string]string{"vip": "f g"})

	open := w.say("vip", `{"snapshot":"s-2","part":1,"parts":2,"members":["h"]}`)
	w.say("vip", "")
	w.routed(never)
	w.expect("an open snapshot goes with its segment", map[string]string{"vip": "(gone) f g"})
	if want := []string{fmt.Sprintf("incomplete_snapshot@%d", open)}; !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
}

func TestWhatCannotBeReadIsADeadLetter(t *testing.T) {
	w := newWorld(t)
	var want []string
	check := func(code, key, value string) {
		t.Helper()
		want = append(want, fmt.Sprintf("%s@%d", code, w.say(key, value)))
	}
	check("not_json", "vip", `{"added":`)
	check("schema", "vip", `{"added":[7]}`)
	check("key_mismatch", "vip", `{"segmentId":"other","added":["a"]}`)
	check("schema", "v/i/p", "")
	check("schema", "", "")
	check("id_taken", "an-expansion", `{"added":["a"]}`)
	check("id_taken", "an-expansion", "")
	check("schema", "vip", `{"snapshot":"`+strings.Repeat("s", 201)+`","part":1,"parts":1,"members":[]}`)
	check("schema", "vip", `{"name":"`+strings.Repeat("n", 1001)+`"}`)
	w.say("vip", `{"added":["a"]}`)
	w.routed(never)
	if !slices.Equal(w.letters(), want) {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
	w.expect("the rest is routed", map[string]string{"vip": "a"})
}

func TestNothingIsRoutedTwice(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"added":["a"]}`)
	w.routed(never)
	before := w.written()
	w.say("staff", `{"added":["b"]}`)
	w.routed(never)
	if got := w.written(); len(got) != len(before)+1 {
		t.Errorf("the shards read %v", got)
	}
}

func TestASegmentIsRememberedOnlyWhenItChanges(t *testing.T) {
	w := newWorld(t)
	w.Fetcher.PartitionBytes = 200 // a batch each
	for i := range 20 {
		w.say("vip", fmt.Sprintf(`{"name":"VIP","added":["c-%d"]}`, i))
	}
	w.routed(never)
	n := 0
	w.Partition(schemas.Segments, 0, func(*wire.Record) { n++ })
	if n != 1 {
		t.Errorf("it was remembered %d times", n)
	}
}

func TestDeletedChangesAreReportedAndPassed(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"added":["a"]}`)
	w.say("vip", `{"snapshot":"s-1","part":1,"parts":2,"members":["b"]}`)
	w.routed(never)
	w.say("vip", `{"added":["lost"]}`)
	topic := w.Prefix.Topic(schemas.SegmentChanges)
	w.OK(w.cluster.DeleteRecords(topic, 0, w.next))
	w.routed(never)
	w.expect("what is deleted is not there", map[string]string{"vip": "a"})
	w.say("vip", `{"added":["c"]}`)
	last := w.say("vip", `{"snapshot":"s-1","part":2,"parts":2,"members":["d"]}`)
	w.routed(never)
	w.expect("a snapshot whose first part is gone does not count", map[string]string{"vip": "a c"})
	if want := []string{fmt.Sprintf("incomplete_snapshot@%d", 1)}; !slices.Equal(w.letters(), want) || last == 0 {
		t.Errorf("dead letters: %v, want %v", w.letters(), want)
	}
}

func TestANewTermFencesTheOld(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"added":["a"]}`)
	old := w.router(never)
	newer := w.router(never)
	w.OK(old.Transactions.Fence(w.Ctx))
	w.OK(newer.Transactions.Fence(w.Ctx))
	w.routed(never)
	w.expect("by another term", map[string]string{"vip": "a"})
}

// script says things at random and knows what must come of them, by the contract alone.
type script struct {
	*world
	random *rand.Rand
	plain  map[string]*plain
	ids    int
}

// plain is a segment as a single reader sees it.
type plain struct {
	members map[string]bool
	gone    bool
	open    *plainSnapshot
	done    string // a part of the last snapshot that counted
}

type plainSnapshot struct {
	id    string
	parts [][]string // by number from 1; nil: not there
	since []schemas.SegmentChange
}

func (o *plainSnapshot) have() (n int) {
	for _, part := range o.parts {
		if part != nil {
			n++
		}
	}
	return n
}

func (p *plain) apply(c schemas.SegmentChange) {
	for _, id := range c.Added {
		p.members[id] = true
	}
	for _, id := range c.Removed {
		delete(p.members, id)
	}
}

func (s *script) customers() []string {
	list := make([]string, s.random.IntN(4))
	for i := range list {
		list[i] = fmt.Sprintf("c-%d", s.random.IntN(30))
	}
	return list
}

func (s *script) sayChange(c schemas.SegmentChange) {
	value, err := json.Marshal(c)
	s.OK(err)
	s.say(c.SegmentID, string(value))
}

func (s *script) step() {
	id := fmt.Sprintf("seg-%d", s.random.IntN(4))
	p := s.plain[id]
	if p == nil {
		p = &plain{members: map[string]bool{}}
		s.plain[id] = p
	}
	switch n := s.random.IntN(20); {
	case n == 0:
		s.say(id, "")
		p.open, p.gone = nil, true
	case n < 2 || n < 4 && p.open == nil:
		s.ids++
		p.open = &plainSnapshot{id: fmt.Sprintf("s-%d", s.ids), parts: make([][]string, 2+s.random.IntN(3))}
		s.part(id, p)
	case n < 14 && p.open != nil:
		s.part(id, p)
	case n == 18 && p.done != "":
		s.say(id, p.done)
	case n == 19:
		s.say(id, `{"broken`)
	default:
		c := schemas.SegmentChange{SegmentID: id, Added: s.customers(), Removed: s.customers()}
		s.sayChange(c)
		if p.gone {
			p.gone, p.members = false, map[string]bool{}
		}
		p.apply(c)
		if p.open != nil {
			p.open.since = append(p.open.since, c)
		}
	}
}

// part says a part that may have been said before.
func (s *script) part(id string, p *plain) {
	open := p.open
	number := 1 + s.random.IntN(len(open.parts))
	c := schemas.SegmentChange{SegmentID: id, Snapshot: open.id, Part: number, Parts: len(open.parts), Members: s.customers()}
	s.sayChange(c)
	if open.parts[number-1] == nil {
		open.parts[number-1] = append([]string{}, c.Members...)
	}
	members := map[string]bool{}
	for _, part := range open.parts {
		if part == nil {
			return
		}
		for _, customer := range part {
			members[customer] = true
		}
	}
	again, err := json.Marshal(c) // counts for nothing, or is a dead letter where the number had come with other members before
	s.OK(err)
	p.members, p.gone, p.open, p.done = members, false, nil, string(again)
	for _, c := range open.since {
		p.apply(c)
	}
}

func (s *script) check() {
	s.Helper()
	s.judge()
	got := s.members()
	for id, p := range s.plain {
		want := slices.Sorted(maps.Keys(p.members))
		had := slices.DeleteFunc(slices.Clone(got[id]), func(m string) bool { return m == "(gone)" })
		if !slices.Equal(had, want) {
			s.Errorf("%s has %v, want %v", id, had, want)
		}
		known := s.segment(id)
		if known.SegmentID == "" {
			continue // it was gone before it was known
		}
		if known.Gone != p.gone || (known.Open != nil) != (p.open != nil) {
			s.Errorf("%s is remembered as %+v, want gone %v, open %v", id, known, p.gone, p.open)
		}
		if p.open != nil && len(known.Open.Have) != p.open.have() {
			s.Errorf("%s has parts %v of its snapshot, want %d", id, known.Open.Have, p.open.have())
		}
	}
}

// However often and wherever the router dies, the shards read what they would have read from one that lives: the same
// records in the same order, none twice.
func TestACrashChangesNothing(t *testing.T) {
	worlds := uint64(3)
	if testing.Short() {
		worlds = 1
	}
	for seed := range worlds {
		var want []string
		for _, crashes := range []int{0, 25} {
			w := newWorld(t)
			w.Fetcher.PartitionBytes = 1000 // a term has many batches
			s := &script{world: w, random: rand.New(rand.NewPCG(seed, 1)), plain: map[string]*plain{}}
			chance := rand.New(rand.NewPCG(seed, 2))
			left := crashes
			crash := func() bool {
				if left > 0 && chance.IntN(40) == 0 {
					left--
					return true
				}
				return false
			}
			for range 6 {
				for range 40 {
					s.step()
				}
				s.routed(crash)
				s.check()
			}
			if left == crashes && crashes > 0 {
				t.Fatal("it never crashed")
			}
			written := append(s.written(), s.letters()...)
			if crashes == 0 {
				want = written
			} else if !reflect.DeepEqual(written, want) {
				t.Errorf("seed %d: with crashes the shards read %d records, without %d", seed, len(written), len(want))
			}
		}
	}
}

// The group's offset of segment-changes may be reset or may expire. What is read again ends where one pass ends.
func TestReadingAgainFromTheStartEndsWhereOnePassEnds(t *testing.T) {
	w := newWorld(t)
	w.say("vip", `{"segmentId":"vip","added":["a","b","c"],"name":"First"}`)
	w.say("vip", `{"segmentId":"vip","snapshot":"s-1","part":1,"parts":2,"members":["d"]}`)
	w.say("vip", `{"segmentId":"vip","added":["e"],"removed":["d"],"name":"Second"}`)
	w.say("vip", `{"segmentId":"vip","snapshot":"s-1","part":2,"parts":2,"members":["f"]}`)
	w.say("left", `{"segmentId":"left","added":["a"]}`)
	w.say("left", `{"segmentId":"left","snapshot":"s-2","part":1,"parts":1,"members":["b"]}`)
	w.say("left", `{"segmentId":"left","added":["c"]}`)
	w.say("left", "")
	w.say("back", `{"segmentId":"back","added":["a"]}`)
	w.say("back", "")
	w.say("back", `{"segmentId":"back","added":["b"]}`)
	w.say("half", `{"segmentId":"half","snapshot":"s-3","part":1,"parts":2,"members":["a"]}`)
	w.routed(never)
	once, names := w.members(), []string{w.segment("vip").Name, w.segment("half").Open.Snapshot}
	w.judge()
	w.join("another") // has no offsets
	w.say("half", `{"segmentId":"half","snapshot":"s-3","part":2,"parts":2,"members":["b"]}`)
	w.routed(never)
	once["half"] = []string{"a", "b"}
	if again := w.members(); !maps.EqualFunc(once, again, slices.Equal) {
		t.Errorf("the first time %v, the second time %v", once, again)
	}
	if again := []string{w.segment("vip").Name, "s-3"}; !slices.Equal(names, again) {
		t.Errorf("the first time %v, the second time %v", names, again)
	}
}

// A topic that is deleted and made anew has offsets from 0 again. Numbers of snapshots never go back, and nothing of it is
// passed over, however many records it has by then.
func TestASegmentChangesThatWasMadeAnewCounts(t *testing.T) {
	w := newWorld(t)
	for range 9 {
		w.say("pad", `{"segmentId":"pad","added":["a"]}`)
	}
	w.say("out", `{"segmentId":"out","snapshot":"full","part":1,"parts":1,"members":["a","b"]}`)
	w.say("half", `{"segmentId":"half","snapshot":"full","part":1,"parts":2,"members":["a"]}`)
	w.routed(never)
	if number := w.segment("out").Number; number != 9 {
		t.Errorf("the number is %d", number)
	}
	w.recreate()
	w.say("out", `{"segmentId":"out","snapshot":"full","part":1,"parts":1,"members":["c"]}`)
	w.say("half", `{"segmentId":"half","snapshot":"full","part":2,"parts":2,"members":["b"]}`)
	for range 20 {
		w.say("out", `{"segmentId":"out","added":["d"]}`)
	}
	w.routed(never)
	got := w.members()
	if !slices.Equal(got["out"], []string{"c", "d"}) || len(got["half"]) != 0 || !slices.Equal(got["pad"], []string{"a"}) {
		t.Errorf("out has %v, half %v, pad %v", got["out"], got["half"], got["pad"])
	}
	if s := w.segment("out"); s.Number != 10 || s.Since != 0 {
		t.Errorf("the segment is %+v", s)
	}
	w.say("half", `{"segmentId":"half","snapshot":"full","part":1,"parts":2,"members":["a"]}`)
	w.routed(never)
	if got := w.members()["half"]; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("half has %v", got)
	}
}
