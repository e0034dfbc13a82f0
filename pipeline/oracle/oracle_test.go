package oracle_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kindred/pipeline/model"
	"kindred/pipeline/oracle"
	"kindred/schemas"
	"kindred/schemas/wire"
)

const (
	shards = 4
	hour   = int64(time.Hour / time.Millisecond)
)

// log holds the records of all topics, in an order in which an oracle may be given them.
type log struct {
	records []entry
	next    map[string]int64 // offsets by topic and partition
	now     int64            // ms
}

type entry struct {
	topic     string
	partition int
	wire.Record
}

func (l *log) add(topic string, partition int, key, value string, headers ...wire.Header) {
	if l.next == nil {
		l.next = map[string]int64{}
	}
	place := topic + strconv.Itoa(partition)
	r := wire.Record{Offset: l.next[place], Timestamp: l.now, Key: []byte(key), Headers: wire.AppendHeaders(nil, headers...)}
	if value != "null" {
		r.Value = []byte(value)
	}
	l.next[place]++
	l.records = append(l.records, entry{topic, partition, r})
}

// profile adds a customer's profile: its fields as JSON without the braces; "null" erases it.
func (l *log) profile(customer, fields string) {
	value := "null"
	if fields != "null" {
		value = `{"customerId":"` + customer + `","fields":{` + fields + `}}`
	}
	l.add("profiles", schemas.Murmur2.Partition([]byte(customer), shards), customer, value)
}

// change adds a change of a segment, as JSON without the braces; "null": it is gone.
func (l *log) change(segment, said string) {
	if said != "null" {
		said = "{" + said + "}"
	}
	l.add("segment-changes", 0, segment, said)
}

func (l *log) model(t testing.TB, expansion string, m *model.Model) {
	t.Helper()
	value, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for p := range shards {
		l.add("models", p, expansion, string(value))
	}
}

func (l *log) judge(t testing.TB) *oracle.Oracle {
	t.Helper()
	o := &oracle.Oracle{Shards: shards}
	for i := range l.records {
		e := &l.records[i]
		if err := o.Apply(e.topic, e.partition, &e.Record); err != nil {
			t.Fatalf("%s %s %s: %v", e.topic, e.Key, e.Value, err)
		}
	}
	return o
}

// members returns those of an expansion, as "customer score/band".
func members(o *oracle.Oracle, expansion string) string {
	var list []string
	all := o.Memberships()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if customer, ours := strings.CutPrefix(key, expansion+"/"); ours {
			list = append(list, fmt.Sprintf("%s %d/%d", customer, all[key].Score, all[key].Band))
		}
	}
	return strings.Join(list, ", ")
}

// byGender scores women high and men in the middle. Its weights are whole logits, so that the scores can be looked up in
// any table of the logistic function.
func byGender(epoch int64, d schemas.Definition) *model.Model {
	return &model.Model{
		Epoch: epoch, RunID: "r", Definition: d, Bias: -model.One,
		Fields: []model.Field{{Name: "Gender", Weights: map[string]int32{`"F"`: 3 * model.One, `"M"`: model.One}, Absent: 0}},
		Scores: model.Logistic(),
		Cut:    model.Cut{Score: 5000},
		Bands:  model.Bounds{4000, 6000, 8000},
	}
}

func deleted(epoch int64) *model.Model { return &model.Model{Epoch: epoch, RunID: "r", Deleted: true} }

func expect(t *testing.T, l *log, expansion, want string) {
	t.Helper()
	if got := members(l.judge(t), expansion); got != want {
		t.Errorf("%s: %q, want %q", expansion, got, want)
	}
}

func TestScoreAndBandDecide(t *testing.T) {
	var l log
	l.profile("ann", `"Gender":"F"`)  // 2 logits: 0.8808
	l.profile("bob", `"Gender":"M"`)  // 0 logits: 0.5
	l.profile("cat", `"Gender":null`) // -1 logit
	l.profile("dan", `"Gender":"X"`)  // a value that the model does not know weighs nothing
	l.profile("eve", `"gender":"F"`)  // another field
	expect(t, &l, "e", "")
	l.model(t, "e", byGender(1, schemas.Definition{}))
	expect(t, &l, "e", "ann 8808/3, bob 5000/1")

	m := byGender(2, schemas.Definition{})
	m.Cut = model.Cut{Score: 0}
	l.model(t, "e", m)
	expect(t, &l, "e", "ann 8808/3, bob 5000/1, cat 2689/0, dan 2689/0, eve 2689/0")
	m.Epoch, m.Cut = 3, model.Nobody()
	l.model(t, "e", m)
	expect(t, &l, "e", "")
}

func TestTheTieDecidesAtTheCut(t *testing.T) {
	var l log
	m := byGender(1, schemas.Definition{})
	ties := map[string]uint64{}
	for i := range 40 {
		id := fmt.Sprintf("c-%02d", i)
		ties[id] = model.Tie("e", []byte(id))
		l.profile(id, `"Gender":"M"`)
	}
	ids := slices.SortedFunc(maps.Keys(ties), func(a, b string) int {
		return map[bool]int{true: -1, false: 1}[ties[a] > ties[b]]
	})
	m.Cut = model.Cut{Score: 5000, Tie: ties[ids[9]]}
	l.model(t, "e", m)
	o := l.judge(t).Memberships()
	for i, id := range ids {
		if _, in := o["e/"+id]; in != (i < 10) {
			t.Errorf("the %d. in order of ties: %v", i+1, in)
		}
	}
}

func TestTheHeldOutAreNoMembers(t *testing.T) {
	var l log
	want := 0
	m := byGender(1, schemas.Definition{Holdout: 0.25})
	for i := range 400 {
		id := fmt.Sprintf("c-%03d", i)
		l.profile(id, `"Gender":"F"`)
		if !m.HoldsOut("e", []byte(id)) {
			want++
		}
	}
	l.model(t, "e", m)
	l.model(t, "others", byGender(1, schemas.Definition{Suppress: []string{"e"}}))
	o := l.judge(t).Memberships()
	found := 0
	for i := range 400 {
		id := fmt.Sprintf("c-%03d", i)
		_, in := o["e/"+id]
		if in == m.HoldsOut("e", []byte(id)) {
			t.Errorf("%s is a member: %v", id, in)
		}
		if in {
			found++
		}
		if _, other := o["others/"+id]; other == in {
			t.Errorf("%s is a member, or one of those beside them: both %v", id, in)
		}
	}
	if found != want || want < 270 || want > 330 {
		t.Errorf("%d of 400 are members, want %d", found, want)
	}
}

func TestConsentAndErasure(t *testing.T) {
	var l log
	l.model(t, "e", byGender(1, schemas.Definition{}))
	l.profile("ann", `"Gender":"F"`)
	l.profile("bob", `"Gender":"F"`)
	l.profile("cat", `"Gender":"F"`)
	l.profile("bob", "null")
	l.add("profiles", schemas.Murmur2.Partition([]byte("cat"), shards), "cat", `{"fields":{"Gender":"F"},"profiling":false}`)
	expect(t, &l, "e", "ann 8808/3")
	l.profile("bob", `"Gender":"M"`)
	l.profile("cat", `"Gender":"M"`)
	expect(t, &l, "e", "ann 8808/3, bob 5000/1, cat 5000/1")
}

func TestWhoMayBeAMember(t *testing.T) {
	var l log
	for _, id := range []string{"ann", "bob", "cat", "dan"} {
		l.profile(id, `"Gender":"F"`)
	}
	l.change("vip", `"added":["ann"]`)
	l.change("news", `"added":["ann","bob","cat"]`)
	l.change("staff", `"added":["cat"]`)
	l.model(t, "all", byGender(1, schemas.Definition{SourceSegmentID: "vip"}))
	l.model(t, "no-source", byGender(1, schemas.Definition{SourceSegmentID: "vip", ExcludeSource: true}))
	l.model(t, "within", byGender(1, schemas.Definition{Candidates: schemas.Candidates{SegmentID: "news"}, Suppress: []string{"none", "staff"}}))
	l.model(t, "nobody", byGender(1, schemas.Definition{Candidates: schemas.Candidates{SegmentID: "none"}}))
	expect(t, &l, "all", "ann 8808/3, bob 8808/3, cat 8808/3, dan 8808/3")
	expect(t, &l, "no-source", "bob 8808/3, cat 8808/3, dan 8808/3")
	expect(t, &l, "within", "ann 8808/3, bob 8808/3")
	expect(t, &l, "nobody", "")
}

func TestAnExpansionIsASegment(t *testing.T) {
	var l log
	l.profile("ann", `"Gender":"F"`)
	l.profile("bob", `"Gender":"M"`)
	women := byGender(1, schemas.Definition{})
	women.Cut.Score = 8000
	l.model(t, "women", women)
	l.model(t, "a-within", byGender(1, schemas.Definition{Candidates: schemas.Candidates{SegmentID: "women"}}))
	l.model(t, "z-without", byGender(1, schemas.Definition{Suppress: []string{"a-within"}}))
	expect(t, &l, "a-within", "ann 8808/3")
	expect(t, &l, "z-without", "bob 5000/1")
	l.model(t, "women", deleted(2))
	expect(t, &l, "a-within", "")
	expect(t, &l, "z-without", "ann 8808/3, bob 5000/1")
}

func TestOnlyALaterEpochCounts(t *testing.T) {
	var l log
	l.profile("ann", `"Gender":"F"`)
	l.model(t, "e", byGender(3, schemas.Definition{}))
	l.model(t, "e", deleted(2))
	l.add("models", 0, "e", "null")
	expect(t, &l, "e", "ann 8808/3")
	l.model(t, "e", deleted(4))
	l.model(t, "e", byGender(4, schemas.Definition{}))
	expect(t, &l, "e", "")
	if got := l.judge(t).Expansions(); len(got) != 0 {
		t.Errorf("expansions %v", got)
	}
	l.model(t, "e", byGender(5, schemas.Definition{}))
	expect(t, &l, "e", "ann 8808/3")
}

func TestNumbersAreCutIntoLevels(t *testing.T) {
	m := byGender(1, schemas.Definition{})
	m.Bias, m.Cut = 0, model.Cut{}
	m.Fields = []model.Field{{Name: "Age", Absent: -4 * model.One, Numbers: true, Bounds: []float64{-2, 0, 1, 100},
		Weights: map[string]int32{"0": -2 * model.One, "1": -model.One, "2": 0, "3": model.One, "4": 2 * model.One}}}
	score := func(value string) string {
		var l log
		l.model(t, "e", m)
		l.profile("c", `"Age":`+value)
		return members(l.judge(t), "e")
	}
	check := func(level string, want string, values ...string) {
		t.Helper()
		for _, v := range values {
			if got := score(v); got != "c "+want {
				t.Errorf("%s (%s): %q, want %s", v, level, got, want)
			}
		}
	}
	check("below -2", "1192/0", "-3", "-1e300", "-2.000001")
	check("-2 up to 0", "2689/0", "-2", "-1.999999", "-1", "-1e-30")
	check("0 up to 1", "5000/1", "0", "-0", "0.5", "0.99")
	check("1 up to 100", "7311/2", "1", "1.0", "99", "99.999999")
	check("from 100 on", "8808/3", "100", "1e2", "1e300")
	check("no number", "180/0", `"100"`, "null", "true", "[100]")
}

func TestNumbersByValueAreNumbersOnly(t *testing.T) {
	m := byGender(1, schemas.Definition{})
	m.Bias, m.Cut = 0, model.Cut{}
	m.Fields = []model.Field{{Name: "Year", Absent: model.One, Numbers: true, Weights: map[string]int32{"2016": 2 * model.One, "2017": 3 * model.One}}}
	var l log
	l.model(t, "e", m)
	for id, v := range map[string]string{"a": "2016", "b": "2.017e3", "c": "2018", "d": `"2016"`, "e": "true", "f": "null"} {
		l.profile(id, `"Year":`+v)
	}
	expect(t, &l, "e", "a 8808/3, b 9526/3, c 5000/1, d 7311/2, e 7311/2, f 7311/2")
}

func TestACrossCountsWhereAllItsValuesAreHad(t *testing.T) {
	m := byGender(1, schemas.Definition{})
	m.Bias, m.Cut = 0, model.Cut{}
	m.Fields = []model.Field{{Name: "City"}, {Name: "Age", Numbers: true, Bounds: []float64{20, 40}}, {Name: "Year", Numbers: true}}
	m.Crosses = []model.Cross{
		{Fields: []string{"City", "Age"}, Values: [][]string{{`"7"`, `"Oslo"`}, {"1", ""}},
			Weights: []int32{model.One, 2 * model.One, 3 * model.One, 4 * model.One}},
		{Fields: []string{"Age", "Year", "City"}, Values: [][]string{{"2"}, {"2016"}, {""}}, Weights: []int32{-model.One}},
	}
	var l log
	l.model(t, "e", m)
	for id, fields := range map[string]string{
		"a": `"City":7,"Age":20`, "b": `"City":"7"`, "c": `"City":"Oslo","Age":39.5`, "d": `"City":"Oslo","Age":"39"`,
		"e": `"City":"Oslo","Age":19`, "f": `"Age":30`, "g": `"City":"Rome","Age":30`, "h": `"Year":2016,"Age":50`, "i": `"Year":2017,"Age":50`,
	} {
		l.profile(id, fields)
	}
	expect(t, &l, "e", "a 7311/2, b 8808/3, c 9526/3, d 9820/3, e 5000/1, f 5000/1, g 5000/1, h 2689/0, i 5000/1")
}

func TestValuesAreTheSameHoweverWritten(t *testing.T) {
	m := byGender(1, schemas.Definition{})
	m.Fields = []model.Field{{Name: "v", Weights: map[string]int32{`"41"`: model.One, `"true"`: 3 * model.One, `"æ\n"`: 4 * model.One}}}
	m.Cut = model.Cut{}
	var l log
	l.model(t, "e", m)
	for id, v := range map[string]string{"a": `41`, "b": `4.1e1`, "c": `41.0`, "d": `"41"`, "e": `true`, "f": `"\u00e6\u000a"`, "g": `"true"`} {
		l.profile(id, `"v":`+v)
	}
	expect(t, &l, "e", "a 5000/1, b 5000/1, c 5000/1, d 5000/1, e 8808/3, f 9526/3, g 8808/3")
}

func TestAFieldWithTooManyValuesInAShardCountsForNothing(t *testing.T) {
	m := byGender(1, schemas.Definition{})
	m.Fields[0].Absent, m.Cut = 3*model.One, model.Cut{}
	crowd := func(values int) string {
		var l log
		l.model(t, "e", m)
		shard := schemas.Murmur2.Partition([]byte("ann"), shards)
		for i := 0; values > 0; i++ {
			id := fmt.Sprint("c-", i)
			if schemas.Murmur2.Partition([]byte(id), shards) == shard {
				l.profile(id, fmt.Sprintf(`"Gender":"g%d"`, values))
				values--
			}
		}
		l.profile("ann", `"Gender":"M"`)
		for key, place := range l.judge(t).Memberships() {
			if key == "e/ann" {
				return fmt.Sprint(place.Score)
			}
		}
		return "none"
	}
	if got := crowd(253); got != "5000" {
		t.Errorf("with 254 values: %s", got)
	}
	if got := crowd(254); got != "2689" {
		t.Errorf("with 255 values: %s", got)
	}
}

func TestEnvelopesAndErasuresByWord(t *testing.T) {
	var l log
	l.model(t, "e", byGender(1, schemas.Definition{ExcludeSource: true, SourceSegmentID: "vip"}))
	say := func(customer, value string) {
		l.add("profiles", schemas.Murmur2.Partition([]byte(customer), shards), customer, value)
	}
	say("ann", `{"schema":{},"payload":{"fields":{"Gender":"F"},"profiling":null}}`)
	say("bob", `{"before":null,"after":{"fields":{"Gender":"F"}},"op":"c"}`)
	for _, erased := range []string{` null`, `{"before":{},"after":null,"op":"d"}`, `{"schema":{},"payload":null}`} {
		say("cat", `{"fields":{"Gender":"F"}}`)
		say("cat", erased)
	}
	expect(t, &l, "e", "ann 8808/3, bob 8808/3")

	flat := &oracle.Oracle{Shards: shards, Flat: true}
	l.records = l.records[:1]
	say("ann", `{"Gender":"F"}`)
	say("bob", `{"Gender":"F","profiling":false}`)
	for _, e := range l.records {
		if err := flat.Apply(e.topic, e.partition, &e.Record); err != nil {
			t.Fatal(err)
		}
	}
	if got := members(flat, "e"); got != "ann 8808/3" {
		t.Errorf("of rows: %q", got)
	}
}

func TestWhatCannotBeReadChangesNothing(t *testing.T) {
	var l log
	l.profile("ann", `"Gender":"F"`)
	l.model(t, "e", byGender(1, schemas.Definition{ExcludeSource: true, SourceSegmentID: "vip"}))
	o := l.judge(t)
	home := schemas.Murmur2.Partition([]byte("ann"), shards)
	refused := func(topic string, partition int, key, value, code string) {
		t.Helper()
		r := wire.Record{Key: []byte(key), Value: []byte(value)}
		if value == "null" {
			r.Value = nil
		}
		err := o.Apply(topic, partition, &r)
		if m, ok := err.(*schemas.Malformed); !ok || m.Code != code {
			t.Errorf("%s %s %s: %v, want %s", topic, key, value, err, code)
		}
		if got := members(o, "e"); got != "ann 8808/3" {
			t.Errorf("%s %s %s changes something: %q", topic, key, value, got)
		}
	}
	refused("profiles", home, "ann", `{"fields":{"a":1,"a":2}}`, "schema")
	refused("profiles", home, "ann", ``, "not_json")
	refused("profiles", home, "ann", `{"customerId":"bob","fields":{}}`, "key_mismatch")
	refused("profiles", home, "ann", `{"customerId":"ann","City":"Oslo"}`, "schema")
	refused("segment-changes", 0, "vip", `{"snapshot":"s","part":1,"parts":1}`, "schema")
	refused("profiles", home+1, "ann", "null", "wrong_partition")
	refused("models", home, "e", `{"epoch":9}`, "schema")
	refused("segment-changes", 0, "vip", `{"added":["ann"],"members":[]}`, "schema")
	refused("segment-changes", 0, "vip", `{"segmentId":"other","added":["ann"]}`, "key_mismatch")
	refused("segment-changes", 0, "v/p", "null", "schema")
	refused("segment-members", 0, "vip", "{}", "schema")
	refused("segment-members", home, "vip/ann", "{}", "schema")
}
