package oracle_test

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kindred/pipeline/oracle"
	"kindred/schemas"
	"kindred/schemas/wire"
)

func (l *log) segment(t *testing.T, id, want string) {
	t.Helper()
	got := strings.Join(slices.Sorted(maps.Keys(l.judge(t).Segment(id))), " ")
	if got != want {
		t.Errorf("members of %s: %q, want %q", id, got, want)
	}
}

func part(snapshot string, part, parts int, members string) string {
	list := `"` + strings.Join(strings.Fields(members), `","`) + `"`
	if members == "" {
		list = ""
	}
	return `"snapshot":"` + snapshot + `","part":` + strconv.Itoa(part) + `,"parts":` + strconv.Itoa(parts) + `,"members":[` + list + `]`
}

// reused demands that a part would be refused, since its snapshot's id has named others.
func (l *log) reused(t *testing.T, id, said string) {
	t.Helper()
	err := l.judge(t).Apply(schemas.SegmentChanges, 0, &wire.Record{Timestamp: l.now, Key: []byte(id), Value: []byte("{" + said + "}")})
	var why *schemas.Malformed
	if !errors.As(err, &why) || why.Code != schemas.SnapshotReused {
		t.Errorf("%s is refused with %v", said, err)
	}
}

func TestChanges(t *testing.T) {
	var l log
	l.change("vip", `"added":["a","b"]`)
	l.change("vip", `"added":["c"],"removed":["a","c","x"]`)
	l.segment(t, "vip", "b")
}

func TestASnapshotCountsWithItsLastPart(t *testing.T) {
	var l log
	l.change("vip", `"added":["x","y"]`)
	l.change("vip", part("s", 3, 3, "d"))
	l.change("vip", part("s", 1, 3, "a b"))
	l.segment(t, "vip", "x y")
	l.change("vip", `"added":["e"],"removed":["y","c"]`) // counts now, and again after the snapshot
	l.segment(t, "vip", "e x")
	l.change("vip", part("s", 1, 3, "b a b")) // a part that has come
	l.reused(t, "vip", part("s", 1, 3, "z"))
	l.change("vip", part("s", 2, 3, "c"))
	l.segment(t, "vip", "a b d e")
	l.change("vip", part("s", 1, 3, "a b")) // a snapshot that has counted
	l.reused(t, "vip", part("s", 1, 3, "z"))
	l.reused(t, "vip", part("s", 1, 1, "a b c d"))
	l.segment(t, "vip", "a b d e")
	l.change("vip", part("t", 1, 1, ""))
	l.segment(t, "vip", "")
}

func TestASnapshotThatIsGivenUp(t *testing.T) {
	refused := func(l *log, snapshot string) {
		t.Helper()
		o := l.judge(t)
		r := wire.Record{Timestamp: l.now, Key: []byte("vip"), Value: []byte("{" + part(snapshot, 2, 2, "b") + "}")}
		if err := o.Apply("segment-changes", 0, &r); err == nil || err.(*schemas.Malformed).Code != "incomplete_snapshot" {
			t.Errorf("a part of a snapshot that was given up: %v", err)
		}
	}
	t.Run("by a newer one", func(t *testing.T) {
		var l log
		l.change("vip", part("s", 1, 2, "a"))
		l.change("vip", part("t", 1, 2, "c"))
		refused(&l, "s")
		l.change("vip", part("t", 2, 2, "d"))
		l.segment(t, "vip", "c d")
	})
	t.Run("by an hour", func(t *testing.T) {
		var l log
		l.change("vip", part("s", 1, 2, "a"))
		l.change("other", part("s", 1, 2, "a"))
		l.now += hour
		l.change("other", part("s", 2, 2, "b")) // just in time
		l.segment(t, "other", "a b")
		l.now++
		refused(&l, "s")
		l.segment(t, "vip", "")
	})
	t.Run("not by another producer's clock", func(t *testing.T) {
		var l log
		l.change("vip", part("s", 1, 2, "a"))
		l.now += 26 * hour
		l.change("other", `"added":["x"]`)
		l.change("vip", `"added":["y"]`)
		l.now -= 26 * hour
		l.change("vip", part("s", 2, 2, "b"))
		l.segment(t, "vip", "a b y")
	})
	t.Run("by the router, as segments say", func(t *testing.T) {
		var l log
		l.add("segments", 0, "vip", `{"segmentId":"vip","name":"vip","dropped":["s"]}`)
		l.change("vip", part("s", 1, 2, "a"))
		l.change("vip", part("s", 2, 2, "b"))
		l.segment(t, "vip", "")
	})
	t.Run("by the end of its segment", func(t *testing.T) {
		var l log
		l.change("vip", `"added":["x"]`)
		l.change("vip", part("s", 1, 2, "a"))
		l.change("vip", "null")
		refused(&l, "s")
		l.segment(t, "vip", "x")
	})
}

func TestASegmentThatIsGone(t *testing.T) {
	var l log
	l.change("vip", `"added":["a","b"]`)
	l.change("vip", "null")
	l.change("vip", "null")
	l.segment(t, "vip", "a b") // nothing happens because something is absent
	l.change("vip", `"added":["c"],"removed":["a"]`)
	l.segment(t, "vip", "c")
	l.change("vip", "null")
	l.change("vip", part("s", 1, 1, "d"))
	l.segment(t, "vip", "d")
}

// Segment-members give each snapshot a number, and a mark makes it count.
func TestSegmentMembers(t *testing.T) {
	var l log
	say := func(customer, value, number string) {
		l.add("segment-members", schemas.Murmur2.Partition([]byte(customer), shards), "vip/"+customer, value,
			wire.Header{Key: "kindred.snapshot", Value: []byte(number)})
	}
	mark := func(number string) {
		for p := range shards {
			l.add("segment-members", p, "vip/", `{"snapshot":`+number+`,"gone":false}`)
			l.add("segment-members", p, "/through", `{"offset":1}`)
		}
	}
	for _, id := range []string{"ann", "bob", "cat", "dan"} {
		l.profile(id, `"Gender":"F"`)
	}
	l.model(t, "e", byGender(1, schemas.Definition{Candidates: schemas.Candidates{SegmentID: "vip"}}))
	say("ann", "{}", "0")
	say("bob", "{}", "0")
	say("bob", "null", "0")
	say("cat", "{}", "0")
	expect(t, &l, "e", "ann 8808/3, cat 8808/3")
	say("bob", "{}", "7")
	say("dan", "{}", "7")
	say("dan", "null", "7")
	expect(t, &l, "e", "ann 8808/3, cat 8808/3")
	mark("7")
	expect(t, &l, "e", "bob 8808/3")
	say("bob", "null", "6") // of a snapshot that counts no more
	say("ann", "{}", "7")
	expect(t, &l, "e", "ann 8808/3, bob 8808/3")
}

// The order between keys of different partitions and topics must not matter, nor who repeats a record.
func TestAnyOrderGivesTheSame(t *testing.T) {
	var l log
	for i := range 60 {
		id := "c-" + strconv.Itoa(i%25)
		l.profile(id, `"Gender":"`+[]string{"F", "M", "X"}[i%3]+`"`)
		l.change("s-"+strconv.Itoa(i%3), `"added":["`+id+`"],"removed":["c-`+strconv.Itoa(i*7%25)+`"]`)
		if i%20 == 10 {
			l.change("s-1", part("snap"+strconv.Itoa(i), 1, 2, "c-1 c-2"))
			l.change("s-1", part("snap"+strconv.Itoa(i), 2, 2, "c-7"))
			l.profile(id, "null")
		}
	}
	l.model(t, "e", byGender(1, schemas.Definition{ExcludeSource: true, SourceSegmentID: "s-0"}))
	l.model(t, "f", byGender(1, schemas.Definition{Candidates: schemas.Candidates{SegmentID: "e"}, Suppress: []string{"s-1"}}))
	l.model(t, "f", byGender(2, schemas.Definition{Suppress: []string{"e", "s-2"}}))
	want := l.judge(t).Memberships()
	if len(want) < 10 {
		t.Fatalf("only %d memberships", len(want))
	}
	queues := map[string][]entry{}
	for _, e := range l.records {
		place := e.topic + strconv.Itoa(e.partition)
		queues[place] = append(queues[place], e)
	}
	places := slices.Sorted(maps.Keys(queues))
	rapid.Check(t, func(t *rapid.T) {
		o := &oracle.Oracle{Shards: shards}
		left := maps.Clone(queues)
		rest := slices.Clone(places)
		for len(rest) > 0 {
			i := rapid.IntRange(0, len(rest)-1).Draw(t, "from")
			n := rapid.IntRange(1, 8).Draw(t, "records")
			q := left[rest[i]]
			for k := range min(n, len(q)) {
				if err := o.Apply(q[k].topic, q[k].partition, &q[k].Record); err != nil {
					t.Fatal(err)
				}
			}
			left[rest[i]] = q[min(n, len(q)):]
			if len(left[rest[i]]) == 0 {
				rest = slices.Delete(rest, i, i+1)
			}
		}
		if got := o.Memberships(); !maps.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}
