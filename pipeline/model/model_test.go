package model_test

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kindred/pipeline/model"
	"kindred/schemas"
)

func TestAModelComesBackAsItWent(t *testing.T) {
	m := small()
	m.RunID, m.StartedAt = "r-1", time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	m.Definition = schemas.Definition{SourceSegmentID: "vip", Name: "VIP <&> friends", Share: 0.2, Floor: 0.55, Preset: "seed"}
	m.Cut = model.Cut{Score: 5512, Tie: 1<<53 - 1}
	value, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := model.Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back.Fields, m.Fields) || back.Cut != m.Cut || back.Definition.Name != m.Definition.Name ||
		!back.StartedAt.Equal(m.StartedAt) || !reflect.DeepEqual(back.Scores, m.Scores) || back.Bands != m.Bands || back.Bias != m.Bias {
		t.Errorf("it came back as %+v", back)
	}
	again, err := back.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, value) {
		t.Error("encoding it again gives other bytes")
	}
	const start = `{"epoch":1,"runId":"r-1","startedAt":"2026-11-23T10:00:00Z","deleted":false,"definition":{"sourceSegmentId":"vip","name":"VIP <&> friends"`
	if !strings.HasPrefix(string(value), start) {
		t.Errorf("the bytes begin %s", value[:len(start)])
	}
	const fields = `"bias":100,"fields":[{"name":"City","numbers":false,"bounds":null,"weights":{"\"7\"":13,"\"Oslo\"":3000,"\"Rome\"":-2000},"absent":7},`
	if !bytes.Contains(value, []byte(fields)) {
		t.Errorf("the fields are not %s", fields)
	}
	const cut = `"cut":{"score":5512,"tie":9007199254740991},"bands":[4000,6000,8000]}`
	if !bytes.HasSuffix(value, []byte(cut)) {
		t.Errorf("the end is not %s", cut)
	}
}

func TestCrossesComeBackAsTheyWent(t *testing.T) {
	m := small()
	plain, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(plain, []byte("crosses")) {
		t.Error("a model without crosses has other bytes than one of the build before")
	}
	m.Crosses = []model.Cross{{Fields: []string{"City", "Age"}, Values: [][]string{{`"Oslo"`}, {"0", ""}}, Weights: []int32{5, -6}}}
	value, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const crosses = `"crosses":[{"fields":["City","Age"],"values":[["\"Oslo\""],["0",""]],"weights":[5,-6]}],"scores":[`
	if !bytes.Contains(value, []byte(crosses)) {
		t.Errorf("the crosses are not %s", crosses)
	}
	back, err := model.Decode(value)
	if err != nil || !reflect.DeepEqual(back.Crosses, m.Crosses) {
		t.Errorf("they came back as %+v, %v", back, err)
	}
}

func TestADeletionIsShort(t *testing.T) {
	m := &model.Model{Epoch: 5, RunID: "r-9", StartedAt: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), Deleted: true}
	value, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"epoch":5,"runId":"r-9","startedAt":"2026-11-23T10:00:00Z","deleted":true}`; string(value) != want {
		t.Errorf("it is %s, want %s", value, want)
	}
	back, err := model.Decode([]byte(`{"epoch":5,"runId":"r-9","deleted":true}`))
	if err != nil || !back.Deleted || back.Epoch != 5 {
		t.Errorf("without a start it is read as %+v, %v", back, err)
	}
	if back.Member(model.Standing{Profile: true, Consents: true, Candidate: true}, model.Best, "e", []byte("c")) {
		t.Error("it has a member")
	}
}

func TestWhatCannotBeCountedOnIsRefused(t *testing.T) {
	check := func(what string, spoil func(m *model.Model)) {
		t.Helper()
		m := small()
		spoil(m)
		if _, err := m.Encode(); err == nil {
			t.Errorf("%s is encoded", what)
		}
	}
	check("no epoch", func(m *model.Model) { m.Epoch = 0 })
	check("a missing threshold", func(m *model.Model) { m.Scores = m.Scores[:model.Best] })
	check("descending thresholds", func(m *model.Model) { m.Scores[500] = m.Scores[499] - 1 })
	check("a cut beyond nobody", func(m *model.Model) { m.Cut.Score = model.Best + 2 })
	check("descending bands", func(m *model.Model) { m.Bands = model.Bounds{4000, 8000, 6000} })
	check("descending bounds", func(m *model.Model) { m.Fields[1].Bounds = []float64{7, 7} })
	check("bounds of what is no number", func(m *model.Model) { m.Fields[0].Bounds = []float64{7} })
	check("a field twice", func(m *model.Model) { m.Fields[2].Name = "City" })
	cross := func(change func(c *model.Cross)) func(m *model.Model) {
		return func(m *model.Model) {
			c := model.Cross{Fields: []string{"City", "Shoe"}, Values: [][]string{{`"Oslo"`, ""}, {`"41"`}}, Weights: []int32{1, 2}}
			change(&c)
			m.Crosses = []model.Cross{c}
		}
	}
	check("a cross of one field", cross(func(c *model.Cross) { c.Fields, c.Values = c.Fields[:1], c.Values[:1] }))
	check("a cross of an unknown field", cross(func(c *model.Cross) { c.Fields[1] = "Hat" }))
	check("a cross of a field with itself", cross(func(c *model.Cross) { c.Fields[1] = "City" }))
	check("a cross without values", cross(func(c *model.Cross) { c.Values = nil }))
	check("a cross with a value twice", cross(func(c *model.Cross) { c.Values[0][1] = `"Oslo"` }))
	check("a cross with a weight too few", cross(func(c *model.Cross) { c.Weights = c.Weights[1:] }))
	check("a cross with a weight too many", cross(func(c *model.Cross) { c.Weights = append(c.Weights, 1) }))
	check("a cross that overflows", cross(func(c *model.Cross) { c.Weights[1] = 1 << 30 }))
	check("a cross with too many combinations", cross(func(c *model.Cross) {
		c.Values = make([][]string, 2)
		for i := range 300 {
			c.Values[0], c.Values[1] = append(c.Values[0], strconv.Itoa(i)), append(c.Values[1], strconv.Itoa(i))
		}
		c.Weights = make([]int32, 300*300)
	}))
	check("a sum that overflows", func(m *model.Model) { m.Fields[0].Absent, m.Fields[1].Absent = 1<<29, -1<<29-1<<10 })
	if _, err := model.Decode([]byte(`{"epoch":1}`)); err == nil {
		t.Error("a model without thresholds is decoded")
	}
	if _, err := model.Decode([]byte(`[]`)); err == nil {
		t.Error("an array is decoded")
	}
}

// Earlier builds wrote the upper halves of keys as bounds, and weights of 7 and true where now those of their texts are.
func TestAModelOfAnEarlierBuildIsRead(t *testing.T) {
	m := small()
	m.Fields = m.Fields[:1]
	value, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Replace(value, []byte(`"absent":7}`), []byte(`"absent":7},`+
		`{"name":"Age","bounds":[49568,49696],"weights":{"0":-500,"2":900},"absent":11},`+ // from 20, from 40
		`{"name":"Region","bounds":null,"weights":{"7":1,"true":2,"\"a\"":3},"absent":0}`), 1)
	old = bytes.Replace(old, []byte(`"numbers":false,`), nil, 1)
	back, err := model.Decode(old)
	if err != nil {
		t.Fatal(err)
	}
	want := []model.Field{
		m.Fields[0],
		{Name: "Age", Numbers: true, Bounds: []float64{20, 40}, Weights: map[string]int32{"0": -500, "2": 900}, Absent: 11},
		{Name: "Region", Weights: map[string]int32{`"7"`: 1, `"true"`: 2, `"a"`: 3}},
	}
	if !reflect.DeepEqual(back.Fields, want) {
		t.Errorf("it is read as %+v, want %+v", back.Fields, want)
	}
}

func TestEveryConditionOfMembershipCounts(t *testing.T) {
	m := small()
	m.Cut = model.Cut{Score: 6000}
	m.Definition = schemas.Definition{Candidates: schemas.Candidates{SegmentID: "newsletter"}, ExcludeSource: true}
	good := model.Standing{Profile: true, Consents: true, Candidate: true}
	member := func(s model.Standing, score int) bool { return m.Member(s, score, "e", []byte("c-1")) }
	if !member(good, 6000) || !member(good, model.Best) {
		t.Error("who fits is no member")
	}
	if member(good, 5999) {
		t.Error("a member below the cut")
	}
	for what, spoil := range map[string]func(*model.Standing){
		"has no profile": func(s *model.Standing) { s.Profile = false }, "does not consent": func(s *model.Standing) { s.Consents = false },
		"is no candidate": func(s *model.Standing) { s.Candidate = false }, "is in the source": func(s *model.Standing) { s.Source = true },
		"is suppressed": func(s *model.Standing) { s.Suppressed = true },
	} {
		s := good
		spoil(&s)
		if member(s, model.Best) {
			t.Errorf("a member who %s", what)
		}
	}
	m.Definition = schemas.Definition{}
	if !member(model.Standing{Profile: true, Consents: true, Source: true}, 6000) {
		t.Error("all customers are candidates, the source included: this one is no member")
	}
	m.Cut = model.Nobody()
	if member(good, model.Best) {
		t.Error("a member where the cut is for nobody")
	}
}

func TestTheTieDecidesAtTheCut(t *testing.T) {
	a, b := []byte("c-1"), []byte("c-2")
	if model.Tie("e", a) < model.Tie("e", b) {
		a, b = b, a
	}
	m := small()
	m.Cut = model.Cut{Score: 7000, Tie: model.Tie("e", a)}
	if !m.Reaches(7000, "e", a) || m.Reaches(7000, "e", b) {
		t.Error("the tie does not part the two")
	}
	if !m.Reaches(7001, "e", b) || m.Reaches(6999, "e", a) {
		t.Error("the score does not come first")
	}
	for _, score := range []int{6999, 7000, 7001} {
		for _, id := range [][]byte{a, b} {
			if m.Cut.Above(score, model.Tie("e", id)) != m.Reaches(score, "e", id) {
				t.Errorf("Above and Reaches do not agree at %d", score)
			}
		}
	}
}

func TestTiesStayWhatTheyAre(t *testing.T) {
	if got, want := model.Tie("vip-expansion", []byte("c-17")), uint64(1191453204018498); got != want {
		t.Errorf("the tie is %d, want %d: members at the cut of every model would change", got, want)
	}
	if model.Tie("a", []byte("b/c")) == model.Tie("b", []byte("a/c")) {
		t.Error("the expansion does not count")
	}
	if model.Tie("e", bytes.Repeat([]byte("x"), 255)) >= 1<<53 {
		t.Error("a tie does not fit into 53 bits")
	}
}

func TestTheLogisticScale(t *testing.T) {
	m := &model.Model{Scores: model.Logistic()}
	check := func(probability float64) {
		t.Helper()
		sum := model.Quantize(math.Log(probability / (1 - probability)))
		if got, want := m.Score(sum), int(math.Round(probability*model.Best)); got != want {
			t.Errorf("a probability of %v scores %d, want %d", probability, got, want)
		}
	}
	for s := 1; s < model.Best; s++ {
		check(float64(s) / model.Best)
	}
	if m.Score(0) != 5000 || m.Score(-1<<30) != 0 || m.Score(1<<30) != model.Best {
		t.Error("the middle and the ends are not where they belong")
	}
}

// A worker keeps a model for every expansion and shard: ten thousand numbers in each would be most of it.
func TestModelsShareTheirThresholds(t *testing.T) {
	flat := model.Thresholds(func(logit float64) float64 { return 2*logit + 1 })
	for _, thresholds := range [][]int32{model.Logistic(), flat} {
		m := small()
		m.Scores = thresholds
		value, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		a, err := model.Decode(value)
		if err != nil {
			t.Fatal(err)
		}
		b, err := model.Decode(value)
		if err != nil {
			t.Fatal(err)
		}
		if &a.Scores[0] != &b.Scores[0] {
			t.Error("two models have the same thresholds twice")
		}
		if !slices.Equal(a.Scores, thresholds) {
			t.Error("the thresholds are not the ones that were encoded")
		}
	}
	calibrated := &model.Model{Scores: flat}
	if calibrated.Score(model.One) != 5000 || calibrated.Score(3*model.One) != 7311 || calibrated.Score(-model.One) != 2689 {
		t.Error("a sum does not score the probability that it deserves")
	}
}

func TestWeightsAreBounded(t *testing.T) {
	for logits, want := range map[float64]int32{
		0: 0, 1: 65536, -1: -65536, 0.00001: 1, 1e9: 32 << 16, -1e9: -32 << 16, math.Inf(1): 32 << 16,
	} {
		if got := model.Quantize(logits); got != want {
			t.Errorf("%v logits weigh %d, want %d", logits, got, want)
		}
	}
}

// Any thresholds will do, equal and far apart ones included.
func TestTheIndexOfAScaleChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model.Model{Epoch: 1, Scores: make([]int32, model.Best+1)}
		at := int64(rapid.Int32Range(-1<<29, 1<<20).Draw(t, "first"))
		steps := rapid.SliceOfN(rapid.SampledFrom([]int64{0, 0, 1, 3, 12, 40, 3000, 50_000}), 7, 7).Draw(t, "steps")
		for s := 1; s <= model.Best; s++ {
			m.Scores[s] = int32(at)
			at += steps[s%7]
		}
		for range 20 {
			m.Bias = rapid.Int32Range(-1<<30, 1<<30).Draw(t, "sum")
			if rapid.Bool().Draw(t, "near") {
				m.Bias = m.Scores[rapid.IntRange(1, model.Best).Draw(t, "s")] + rapid.Int32Range(-1, 1).Draw(t, "by")
			}
			table := model.NewTable(m)
			var block [1]int16
			table.ScoreBlock(nil, 0, block[:])
			want := m.Score(m.Bias)
			if table.Score(nil) != want || int(block[0]) != want {
				t.Fatalf("%d scores %d alone and %d in a block, want %d", m.Bias, table.Score(nil), block[0], want)
			}
		}
	})
}
