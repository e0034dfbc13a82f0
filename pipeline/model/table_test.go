package model_test

import (
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"kindred/pipeline/format"

	"pgregory.net/rapid"

	"kindred/pipeline/model"
)

// shard keeps customers the way a shard does: codes by order of arrival, and a number's key.
type shard struct {
	columns []format.Field
	width   int
}

func (s *shard) column(name string) *format.Field {
	for i := range s.columns {
		if s.columns[i].Name == name {
			return &s.columns[i]
		}
	}
	return nil
}

func (s *shard) row(values map[string]string) []byte {
	row := make([]byte, s.width)
	for name, text := range values {
		c := s.column(name)
		if number, is := format.Number(text); is && c.Number >= 0 {
			binary.LittleEndian.PutUint32(row[c.Number:], format.Key(number))
		}
		if c.Overflow {
			row[c.Code] = 255
			continue
		}
		for code, known := range c.Values {
			if known == text {
				row[c.Code] = byte(code)
			}
		}
		if row[c.Code] == 0 {
			c.Values = append(c.Values, text)
			c.Version++
			row[c.Code] = byte(len(c.Values) - 1)
		}
	}
	return row
}

// sum is what a customer weighs, by the words of the model alone. A shard that keeps no values knows none of a category.
func sum(m *model.Model, values map[string]string, overflow func(name string) bool) int32 {
	keys := map[string]string{} // by field: as what its value counts, "" for none; not there: as nothing
	sum := m.Bias
	for _, f := range m.Fields {
		text, has := values[f.Name]
		number, isNumber := format.Number(text)
		switch {
		case !has, f.Numbers && !isNumber:
			keys[f.Name] = ""
			sum += f.Absent
			continue
		case f.Bounds != nil:
			level := 0
			for level < len(f.Bounds) && f.Bounds[level] <= number {
				level++
			}
			keys[f.Name] = strconv.Itoa(level)
		case f.Numbers:
			keys[f.Name] = text
		case !overflow(f.Name):
			keys[f.Name] = format.Text(text)
		default:
			continue
		}
		sum += f.Weights[keys[f.Name]]
	}
	for _, c := range m.Crosses {
		combination := 0
		for i, name := range c.Fields {
			key, counts := keys[name]
			at := slices.Index(c.Values[i], key)
			if !counts || at < 0 {
				combination = -1
				break
			}
			combination = combination*len(c.Values[i]) + at
		}
		if combination >= 0 {
			sum += c.Weights[combination]
		}
	}
	return sum
}

// small is a model of a category, of a cut number, of a number by value, and of a field that the shard does not have.
func small() *model.Model {
	return &model.Model{
		Epoch: 1, Bias: 100, Scores: model.Logistic(), Bands: model.Bounds{4000, 6000, 8000}, Cut: model.Nobody(),
		Fields: []model.Field{
			{Name: "City", Weights: map[string]int32{`"Oslo"`: 3000, `"Rome"`: -2000, `"7"`: 13}, Absent: 7},
			{Name: "Age", Numbers: true, Bounds: []float64{20, 40.5}, Weights: map[string]int32{"0": -500, "1": 50, "2": 900}, Absent: 11},
			{Name: "Year", Numbers: true, Weights: map[string]int32{"2016": 300, "2017": -300, "2025": 17}, Absent: 5},
			{Name: "Shoe", Weights: map[string]int32{`"41"`: 70}, Absent: -5000},
		},
	}
}

func smallShard() *shard {
	return &shard{width: 16, columns: []format.Field{
		{Name: "Age", Code: 2, Number: 4, Values: []string{""}, Version: 1},
		{Name: "City", Code: 1, Number: -1, Values: []string{""}, Version: 1},
		{Name: "Year", Code: 3, Number: 8, Values: []string{""}, Version: 1},
	}}
}

func TestARowWeighsWhatItsValuesDo(t *testing.T) {
	m, s := small(), smallShard()
	table := model.NewTable(m)
	if got := table.Sum(make([]byte, 16)); got != 100+7+11+5-5000 {
		t.Errorf("a table that knows no column sums %d", got)
	}
	check := func(what string, want int32, values map[string]string) {
		t.Helper()
		row := s.row(values)
		table.Fold(s.columns)
		if got := table.Sum(row); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
		if other := sum(m, values, func(name string) bool { return s.column(name) != nil && s.column(name).Overflow }); other != want {
			t.Errorf("%s: the test's own sum is %d, want %d", what, other, want)
		}
	}
	value := func(name, text string) map[string]string { return map[string]string{name: text} }
	const rest = 100 - 5000 // the bias, and Shoe, which nobody has here
	numbers := func() {
		t.Helper()
		check("below all bounds", rest+7+5-500, value("Age", "19.999"))
		check("on a bound", rest+7+5+50, value("Age", "20"))
		check("between", rest+7+5+50, value("Age", "40.4"))
		check("above all", rest+7+5+900, value("Age", "40.5"))
		check("a text where numbers are asked for", rest+7+5+11, value("Age", `"30"`))
		check("a truth where numbers are asked for", rest+7+11+5, value("Year", "true"))
		check("a number by value", rest+7+11+300, value("Year", "2016"))
		check("the next one", rest+7+11-300, value("Year", "2017"))
		check("a number that the model has not seen", rest+7+11, value("Year", "2018"))
	}
	check("nothing known", rest+7+11+5, nil)
	check("a value", rest+3000+11+5, value("City", `"Oslo"`))
	check("a value that came later", rest-2000+11+5, value("City", `"Rome"`))
	check("a number among texts", rest+13+11+5, value("City", "7"))
	check("its text", rest+13+11+5, value("City", `"7"`))
	check("a value that the model has not seen", rest+11+5, value("City", `"Bonn"`))
	numbers()

	for _, name := range []string{"City", "Age", "Year"} {
		s.column(name).Overflow = true
		s.column(name).Version++
	}
	check("too many values", rest+0+11+5, value("City", `"Oslo"`))
	check("absent all the same", rest+7+11+5, nil)
	numbers()
	old := make([]byte, 16)
	old[1] = 1 // Oslo's code, before there were too many
	if got := table.Sum(old); got != rest+11+5 {
		t.Errorf("a code from before the overflow sums %d, want %d", got, rest+11+5)
	}

	s.columns = append(s.columns, format.Field{Name: "Shoe", Code: 12, Number: -1, Values: []string{""}, Version: 1})
	check("a field that came later", 100+7+11+5+70, value("Shoe", "41"))
	check("a field that came later, absent", rest+7+11+5, nil)
	s.columns = s.columns[:3]
	check("a field that is gone", rest+7+11+5, nil)
	s.column("City").Overflow = false
	s.column("City").Version++
	check("values that are kept again", rest+3000+11+5, value("City", `"Oslo"`))
}

func TestAColumnThatMovedIsFoldedAgain(t *testing.T) {
	m, s := small(), smallShard()
	table := model.NewTable(m)
	s.column("Age").Overflow = true
	s.row(map[string]string{"City": `"Oslo"`})
	table.Fold(s.columns)
	s.column("Age").Number = 12 // the version need not say so
	row := s.row(map[string]string{"City": `"Oslo"`, "Age": "50"})
	table.Fold(s.columns)
	if got, want := table.Sum(row), int32(100-5000+3000+900+5); got != want {
		t.Errorf("the sum is %d, want %d", got, want)
	}
}

// Whatever the model, the shard and the customers: the table's sum is that of the model's own words, and a block's scores
// are those of its rows.
func TestTablesAgreeWithTheWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weight := rapid.Int32Range(-200_000, 200_000)
		m := &model.Model{Epoch: 1, Scores: model.Logistic(), Bias: weight.Draw(t, "bias")}
		s := &shard{width: 8 * rapid.IntRange(6, 8).Draw(t, "width")}
		at := 1
		for i := range rapid.IntRange(0, 9).Draw(t, "fields") {
			f := model.Field{Name: "f" + strconv.Itoa(i), Weights: map[string]int32{}, Absent: weight.Draw(t, "absent")}
			c := format.Field{Name: f.Name, Code: at, Number: -1, Values: []string{""}, Version: 1}
			at++
			keys := []string{`"0"`, `"1"`, `"2"`, `"x"`}
			if rapid.Bool().Draw(t, "numeric") {
				f.Numbers, keys = true, []string{"0", "1", "2", "3.5"}
				c.Number, c.Overflow = at, rapid.Bool().Draw(t, "overflow")
				at += 4
				if rapid.Bool().Draw(t, "cut") {
					f.Bounds = rapid.SliceOfNDistinct(rapid.SampledFrom([]float64{-2, 0, 1, 2.5, 4, 1e9}), 1, 5, rapid.ID).Draw(t, "bounds")
					slices.Sort(f.Bounds)
					keys = []string{"0", "1", "2", "3", "4", "5"}
				}
			}
			for _, key := range keys {
				if rapid.IntRange(0, 4).Draw(t, "seen") > 0 {
					f.Weights[key] = weight.Draw(t, "weight")
				}
			}
			m.Fields = append(m.Fields, f)
			if rapid.IntRange(0, 5).Draw(t, "known") > 0 {
				s.columns = append(s.columns, c)
			}
		}
		for range rapid.IntRange(0, 6).Draw(t, "crosses") {
			if len(m.Fields) >= 3 {
				m.Crosses = append(m.Crosses, drawCross(t, m.Fields, weight))
			}
		}
		if rapid.Bool().Draw(t, "shared") {
			m.Share()
		}
		table, other := model.NewAccount(m), model.NewTable(m)
		var block []byte
		var want []int
		for range rapid.IntRange(1, 300).Draw(t, "rows") {
			values := map[string]string{}
			for i := range s.columns {
				if c := &s.columns[i]; rapid.IntRange(0, 3).Draw(t, "value") > 0 {
					values[c.Name] = rapid.SampledFrom([]string{
						"-3", "0", "1", "2", "3.5", "5e+9", `"0"`, `"1"`, `"x"`, `"y"`, "true",
					}).Draw(t, "v")
					if c.Number < 0 && c.Overflow {
						delete(values, c.Name)
					}
				}
			}
			row := s.row(values)
			table.Fold(s.columns)
			sum := sum(m, values, func(string) bool { return false })
			if got := table.Sum(row); got != sum {
				t.Fatalf("the sum is %d, want %d", got, sum)
			}
			if got := table.Score(row); got != m.Score(sum) {
				t.Fatalf("the score of %d is %d, want %d", sum, got, m.Score(sum))
			}
			reasons := m.Bias
			for _, r := range table.Reasons(row) {
				reasons += r.Weight
			}
			if reasons != sum {
				t.Fatalf("the reasons add up to %d, want %d", reasons, sum)
			}
			block, want = append(block, row...), append(want, m.Score(sum))
		}
		if got, want := other.Sum(nil), sum(m, nil, nil); got != want {
			t.Fatalf("a table that knows of no column sums %d, want %d", got, want)
		}
		other.Fold(s.columns)
		if row := block[len(block)-s.width:]; other.Sum(row) != table.Sum(row) {
			t.Fatalf("another table sums %d, want %d", other.Sum(row), table.Sum(row))
		}
		scores := make([]int16, len(want))
		table.ScoreBlock(block, s.width, scores)
		for i := range want {
			if int(scores[i]) != want[i] {
				t.Fatalf("row %d of the block scores %d, want %d", i, scores[i], want[i])
			}
		}
	})
}

// drawCross draws two or three fields and some of what they weigh, absence among it.
func drawCross(t *rapid.T, fields []model.Field, weight *rapid.Generator[int32]) (c model.Cross) {
	combinations := 1
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(fields)-1), 2, 3, rapid.ID).Draw(t, "fields of the cross") {
		values := append(slices.Sorted(maps.Keys(fields[i].Weights)), "")
		values = rapid.Permutation(values).Draw(t, "values")[:rapid.IntRange(1, len(values)).Draw(t, "number of values")]
		c.Fields, c.Values = append(c.Fields, fields[i].Name), append(c.Values, values)
		combinations *= len(values)
	}
	c.Weights = rapid.SliceOfN(weight, combinations, combinations).Draw(t, "weights of the cross")
	return c
}

func TestACrossWeighsWhatItsValuesDoTogether(t *testing.T) {
	m, s := small(), smallShard()
	m.Crosses = []model.Cross{
		{Fields: []string{"City", "Age"}, Values: [][]string{{`"Oslo"`, ""}, {"2", "0", ""}}, Weights: []int32{1e6, 2e6, 3e6, 4e6, 5e6, 6e6}},
		{Fields: []string{"Year", "City", "Shoe"}, Values: [][]string{{"2016"}, {`"7"`, `"Oslo"`}, {""}}, Weights: []int32{1e8, 2e8}},
	}
	plain := small()
	check := func(what string, want int32, values map[string]string) {
		t.Helper()
		row := s.row(values)
		table, without := model.NewTable(m), model.NewTable(plain)
		table.Fold(s.columns)
		without.Fold(s.columns)
		if got := table.Sum(row) - without.Sum(row); got != want {
			t.Errorf("%s: crosses weigh %d, want %d", what, got, want)
		}
	}
	check("nothing known", 6e6, nil)
	check("two values", 1e6, map[string]string{"City": `"Oslo"`, "Age": "40.5"})
	check("a value of another type", 3e6, map[string]string{"City": `"Oslo"`, "Age": `"40"`})
	check("without the first", 0, map[string]string{"Age": "30"})
	check("absent with a level", 5e6, map[string]string{"Age": "1"})
	check("a value that does not count", 0, map[string]string{"City": `"Rome"`, "Age": "50"})
	check("a level that does not count", 0, map[string]string{"City": `"Oslo"`, "Age": "30"})
	check("three fields, one that nobody has", 2e8+3e6, map[string]string{"City": `"Oslo"`, "Year": "2016"})
	check("a number as a category", 1e8, map[string]string{"City": "7", "Year": "2016"})
}

// TestLargeCrossesWeighWhatTheirValuesDo: also where a cross is too large to be joined with others.
func TestLargeCrossesWeighWhatTheirValuesDo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m, s := &model.Model{Epoch: 1, Scores: model.Logistic()}, &shard{width: 8}
	values := map[string][]string{"large": nil, "wide": nil, "middle": nil, "small": nil}
	for i, name := range []string{"large", "wide", "middle", "small"} {
		f := model.Field{Name: name, Weights: map[string]int32{}, Absent: random.Int32N(1000)}
		for v := range []int{70, 60, 50, 3}[i] {
			text := strconv.Quote(strconv.Itoa(v))
			values[name] = append(values[name], text)
			f.Weights[text] = random.Int32N(1000)
		}
		m.Fields = append(m.Fields, f)
		s.columns = append(s.columns, format.Field{Name: name, Code: 1 + i, Number: -1, Values: []string{""}, Version: 1})
	}
	for _, fields := range [][]string{{"large", "wide"}, {"wide", "small"}, {"small", "large"}, {"middle", "wide", "small"}, {"middle", "small"}} {
		c, n := model.Cross{Fields: fields}, 1
		for _, name := range fields {
			c.Values = append(c.Values, append([]string{""}, values[name]...))
			n *= len(values[name]) + 1
		}
		for range n {
			c.Weights = append(c.Weights, random.Int32N(1000))
		}
		m.Crosses = append(m.Crosses, c)
	}
	table := model.NewTable(m)
	for range 2000 {
		of := map[string]string{}
		for name, texts := range values {
			if random.IntN(10) > 0 {
				of[name] = texts[random.IntN(len(texts))]
			}
		}
		row := s.row(of)
		table.Fold(s.columns)
		if got, want := table.Sum(row), sum(m, of, func(string) bool { return false }); got != want {
			t.Fatalf("%v weighs %d, want %d", of, got, want)
		}
	}
}

func TestACrossIsAReason(t *testing.T) {
	m, s := small(), smallShard()
	m.Crosses = []model.Cross{
		{Fields: []string{"City", "Age"}, Values: [][]string{{`"Oslo"`}, {"1", ""}}, Weights: []int32{-4000, 9}},
		{Fields: []string{"City", "Shoe"}, Values: [][]string{{`"Rome"`}, {""}}, Weights: []int32{17}},
	}
	table := model.NewAccount(m)
	row := s.row(map[string]string{"City": `"Oslo"`, "Age": "20", "Year": "2016"})
	table.Fold(s.columns)
	want := model.Reason{Level: -1, Weight: -4000, Together: []model.Reason{
		{Field: "City", Value: `"Oslo"`, Level: -1}, {Field: "Age", Value: "20", Level: 1},
	}}
	reasons := table.Reasons(row)
	if len(reasons) != 5 || !reflect.DeepEqual(reasons[1], want) {
		t.Errorf("the reasons are %+v, want the second to be %+v", reasons, want)
	}
}

func TestReasonsTellValuesAndRanges(t *testing.T) {
	m, s := small(), smallShard()
	for _, overflow := range []bool{false, true} {
		s.column("Age").Overflow = overflow
		table := model.NewAccount(m)
		row := s.row(map[string]string{"City": `"Oslo"`, "Age": "22", "Year": `"old"`})
		table.Fold(s.columns)
		reasons := table.Reasons(row)
		want := []model.Reason{
			{Field: "Shoe", Level: -1, Absent: true, Weight: -5000},
			{Field: "City", Value: `"Oslo"`, Level: -1, Weight: 3000},
			{Field: "Age", Value: "22", Level: 1, Weight: 50},
			{Field: "Year", Level: -1, Absent: true, Weight: 5},
		}
		if overflow {
			want[2].Value = ""
		}
		if !reflect.DeepEqual(reasons, want) {
			t.Errorf("the reasons are %+v, want %+v", reasons, want)
		}
	}
	age := &m.Fields[1]
	if from, to := age.Range(1); from != 20 || to != 40.5 {
		t.Errorf("level 1 is from %v to %v, want 20 to 40.5", from, to)
	}
	if from, _ := age.Range(0); !math.IsInf(from, -1) {
		t.Errorf("level 0 begins at %v", from)
	}
	if _, to := age.Range(2); !math.IsInf(to, 1) {
		t.Errorf("the last level ends at %v", to)
	}
}
