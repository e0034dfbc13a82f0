package model_test

import (
	"encoding/binary"
	"math"
	"strconv"
	"testing"

	"kindred/pipeline/format"

	"pgregory.net/rapid"

	"kindred/pipeline/model"
)

// shard keeps customers the way a shard does: codes by order of arrival, and a number's two bytes.
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

func (s *shard) row(values map[string]string, numbers map[string]uint16) []byte {
	row := make([]byte, s.width)
	for name, text := range values {
		c := s.column(name)
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
	for name, n := range numbers {
		binary.LittleEndian.PutUint16(row[s.column(name).Number:], n)
	}
	return row
}

// sum is what a customer weighs, by the words of the model alone.
func sum(m *model.Model, values map[string]string, numbers map[string]uint16) int32 {
	sum := m.Bias
	for _, f := range m.Fields {
		if len(f.Bounds) > 0 {
			number, has := numbers[f.Name]
			if !has {
				sum += f.Absent
				continue
			}
			level := 0
			for level < len(f.Bounds) && f.Bounds[level] <= number {
				level++
			}
			sum += f.Weights[strconv.Itoa(level)]
			continue
		}
		if text, has := values[f.Name]; has {
			sum += f.Weights[text]
		} else {
			sum += f.Absent
		}
	}
	return sum
}

// small is a model of a category, of a cut number, and of a field that the shard does not have.
func small() *model.Model {
	return &model.Model{
		Epoch: 1, Bias: 100, Scores: model.Logistic(), Bands: model.Bounds{4000, 6000, 8000}, Cut: model.Nobody(),
		Fields: []model.Field{
			{Name: "City", Weights: map[string]int32{`"Oslo"`: 3000, `"Rome"`: -2000}, Absent: 7},
			{Name: "Age", Bounds: []uint16{0xc1a0, 0xc220}, Weights: map[string]int32{"0": -500, "1": 50, "2": 900}, Absent: 11},
			{Name: "Shoe", Weights: map[string]int32{`41`: 70}, Absent: -5000},
		},
	}
}

func smallShard() *shard {
	return &shard{width: 8, columns: []format.Field{
		{Name: "Age", Code: 2, Number: 3, Values: []string{""}, Version: 1},
		{Name: "City", Code: 1, Number: -1, Values: []string{""}, Version: 1},
	}}
}

func TestARowWeighsWhatItsValuesDo(t *testing.T) {
	m, s := small(), smallShard()
	table := model.NewTable(m)
	if got := table.Sum(make([]byte, 8)); got != 100+7+11-5000 {
		t.Errorf("a table that knows no column sums %d", got)
	}
	check := func(what string, want int32, values map[string]string, numbers map[string]uint16) {
		t.Helper()
		row := s.row(values, numbers)
		table.Fold(s.columns)
		if got := table.Sum(row); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
		if other := sum(m, values, numbers); other != want && !s.column("City").Overflow {
			t.Errorf("%s: the test's own sum is %d, want %d", what, other, want)
		}
	}
	const rest = 100 - 5000 // the bias, and Shoe, which nobody has here
	check("nothing known", rest+7+11, nil, nil)
	check("a value", rest+3000+11, map[string]string{"City": `"Oslo"`}, nil)
	check("a value that came later", rest-2000+11, map[string]string{"City": `"Rome"`}, nil)
	check("a value that the model has not seen", rest+11, map[string]string{"City": `"Bonn"`}, nil)
	check("below all bounds", rest+7-500, nil, map[string]uint16{"Age": 0xc19f})
	check("on a bound", rest+7+50, nil, map[string]uint16{"Age": 0xc1a0})
	check("between", rest+7+50, nil, map[string]uint16{"Age": 0xc21f})
	check("above all", rest+7+900, nil, map[string]uint16{"Age": 0xc220})
	check("a text where numbers are asked for", rest+7+11, map[string]string{"Age": `"old"`}, nil)

	s.column("City").Overflow = true
	s.column("City").Version++
	check("too many values", rest+0+11, map[string]string{"City": `"Oslo"`}, nil)
	check("absent all the same", rest+7+11, nil, nil)
	old := make([]byte, 8)
	old[1] = 1 // Oslo's code, before there were too many
	if got := table.Sum(old); got != rest+11 {
		t.Errorf("a code from before the overflow sums %d, want %d", got, rest+11)
	}

	s.columns = append(s.columns, format.Field{Name: "Shoe", Code: 5, Number: -1, Values: []string{""}, Version: 1})
	check("a field that came later", 100+7+11+70, map[string]string{"Shoe": `41`}, nil)
	check("a field that came later, absent", rest+7+11, nil, nil)
}

func TestAColumnThatMovedIsFoldedAgain(t *testing.T) {
	m, s := small(), smallShard()
	table := model.NewTable(m)
	s.row(map[string]string{"City": `"Oslo"`}, nil)
	table.Fold(s.columns)
	s.column("Age").Number = 6 // the version need not say so
	row := s.row(map[string]string{"City": `"Oslo"`}, map[string]uint16{"Age": 0xc220})
	table.Fold(s.columns)
	if got, want := table.Sum(row), int32(100-5000+3000+900); got != want {
		t.Errorf("the sum is %d, want %d", got, want)
	}
}

func TestNumbersMayComeLate(t *testing.T) {
	m, s := small(), smallShard()
	s.column("Age").Number = -1
	table := model.NewTable(m)
	table.Fold(s.columns)
	if got, want := table.Sum(s.row(nil, nil)), int32(100-5000+7+11); got != want {
		t.Errorf("without numbers: %d, want %d", got, want)
	}
	s.column("Age").Number = 3
	s.column("Age").Version++
	table.Fold(s.columns)
	if got, want := table.Sum(s.row(nil, map[string]uint16{"Age": 0xc220})), int32(100-5000+7+900); got != want {
		t.Errorf("with numbers: %d, want %d", got, want)
	}
}

// Whatever the model, the shard and the customers: the table's sum is that of the model's own words, and a block's scores
// are those of its rows.
func TestTablesAgreeWithTheWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weight := rapid.Int32Range(-200_000, 200_000)
		m := &model.Model{Epoch: 1, Scores: model.Logistic(), Bias: weight.Draw(t, "bias")}
		s := &shard{width: 8 * rapid.IntRange(4, 6).Draw(t, "width")}
		at := 1
		for i := range rapid.IntRange(0, 9).Draw(t, "fields") {
			f := model.Field{Name: "f" + strconv.Itoa(i), Weights: map[string]int32{}, Absent: weight.Draw(t, "absent")}
			c := format.Field{Name: f.Name, Code: at, Number: -1, Values: []string{""}, Version: 1}
			at++
			keys := 6
			if rapid.Bool().Draw(t, "numeric") {
				f.Bounds = rapid.SliceOfNDistinct(rapid.Uint16Range(1, 400), 1, 9, rapid.ID).Draw(t, "bounds")
				sortUp(f.Bounds)
				c.Number, keys = at, len(f.Bounds)+1
				at += 2
			}
			for v := range keys {
				if rapid.IntRange(0, 4).Draw(t, "seen") > 0 {
					f.Weights[strconv.Itoa(v)] = weight.Draw(t, "weight")
				}
			}
			m.Fields = append(m.Fields, f)
			if rapid.IntRange(0, 5).Draw(t, "known") > 0 {
				s.columns = append(s.columns, c)
			}
		}
		table := model.NewTable(m)
		var block []byte
		var want []int
		for range rapid.IntRange(1, 300).Draw(t, "rows") {
			values, numbers := map[string]string{}, map[string]uint16{}
			for _, c := range s.columns {
				if c.Number >= 0 && rapid.Bool().Draw(t, "number") {
					numbers[c.Name] = rapid.Uint16Range(1, 500).Draw(t, "n")
				}
				if rapid.Bool().Draw(t, "value") {
					values[c.Name] = strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "v"))
				}
			}
			row := s.row(values, numbers)
			table.Fold(s.columns)
			sum := sum(m, values, numbers)
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
		scores := make([]int16, len(want))
		table.ScoreBlock(block, s.width, scores)
		for i := range want {
			if int(scores[i]) != want[i] {
				t.Fatalf("row %d of the block scores %d, want %d", i, scores[i], want[i])
			}
		}
	})
}

func sortUp(bounds []uint16) {
	for i := range bounds {
		for j := i; j > 0 && bounds[j] < bounds[j-1]; j-- {
			bounds[j], bounds[j-1] = bounds[j-1], bounds[j]
		}
	}
}

func TestReasonsTellValuesAndRanges(t *testing.T) {
	m, s := small(), smallShard()
	table := model.NewTable(m)
	row := s.row(map[string]string{"City": `"Oslo"`}, map[string]uint16{"Age": 0xc1b0})
	table.Fold(s.columns)
	reasons := table.Reasons(row)
	want := []model.Reason{
		{Field: "Shoe", Level: -1, Absent: true, Weight: -5000},
		{Field: "City", Value: `"Oslo"`, Level: -1, Weight: 3000},
		{Field: "Age", Level: 1, Weight: 50},
	}
	for i := range want {
		if reasons[i] != want[i] {
			t.Errorf("reason %d is %+v, want %+v", i, reasons[i], want[i])
		}
	}
	age := &m.Fields[1]
	if from, to := age.Range(1); from != 20 || to != 40 {
		t.Errorf("level 1 is from %v to %v, want 20 to 40", from, to)
	}
	if from, _ := age.Range(0); !math.IsInf(from, -1) {
		t.Errorf("level 0 begins at %v", from)
	}
	if _, to := age.Range(2); !math.IsInf(to, 1) {
		t.Errorf("the last level ends at %v", to)
	}
	negative := model.Field{Bounds: []uint16{^uint16(0xc1a0)}} // below: numbers less than about -20
	if _, to := negative.Range(0); to >= -20 || to < -20.2 {
		t.Errorf("a negative bound is %v, want just below -20", to)
	}
}
