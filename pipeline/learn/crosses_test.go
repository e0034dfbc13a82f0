package learn

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/train"
)

// A model with as many crosses as train finds, of values as long as may be crossed, fits into a record.
func TestALargeModelWithCrossesFitsIntoARecord(t *testing.T) {
	const fields, values, crosses, cells = 50, 16, 8, 17 * 17 * 16 // train finds at most 36,000 combinations, of all crosses
	fitted, columns := &train.Result{}, []field.Column{}
	for f := range fields {
		c := field.Column{Name: strings.Repeat("n", 250) + strconv.Itoa(f), Absent: values}
		for v := range values {
			c.Values = append(c.Values, `"`+strings.Repeat(`\"`, 60)+string(rune('a'+v))+`"`)
		}
		if f%3 == 2 {
			c.Absent = field.None
		}
		columns = append(columns, c)
		fitted.Weights = append(fitted.Weights, slices.Repeat([]float64{-31.1234}, c.Levels()))
	}
	if slices.Contains(apart(columns), true) {
		t.Error("the fields may not be crossed")
	}
	for c := range crosses {
		weights := slices.Repeat([]float64{-31.1234}, cells)
		fitted.Crosses = append(fitted.Crosses, train.Cross{Fields: []int{3 * c, 3*c + 1, 3*c + 2}, Weights: weights})
	}
	m := quantized(fitted, columns)
	m.Epoch = 1
	raw, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 1_000_000 {
		t.Errorf("it has %d bytes", len(raw))
	}
}

func TestFieldsOfLongValuesAreNotCrossed(t *testing.T) {
	columns := func(texts ...string) (all []field.Column) {
		for _, text := range texts {
			all = append(all, field.Column{Values: []string{text, "x"}})
		}
		return all
	}
	long := strings.Repeat("x", longestCrossed)
	if got := apart(columns("a", long, "b")); !slices.Equal(got, []bool{false, true, false}) {
		t.Errorf("apart are %v", got)
	}
	if got := apart(columns(slices.Repeat([]string{long[:1000]}, longestAll/1000)...)); slices.Contains(got, false) {
		t.Error("some of too long a model are crossed")
	}
}

func TestACrossSaysItsValuesAsItsFieldsDo(t *testing.T) {
	columns := []field.Column{
		{Name: "Age", Numbers: true, Bounds: []float64{20}, Absent: 2},
		{Name: "City", Values: []string{`"Oslo"`, `"Rome"`}, Absent: field.None},
	}
	m := quantized(&train.Result{
		Weights: [][]float64{{1, 2, 3}, {4, 5}},
		Crosses: []train.Cross{{Fields: []int{0, 1}, Weights: []float64{0, 1, 2, 3, 4, -5}}},
	}, columns)
	c := m.Crosses[0]
	if !slices.Equal(c.Fields, []string{"Age", "City"}) || !slices.Equal(c.Values[0], []string{"0", "1", ""}) ||
		!slices.Equal(c.Values[1], columns[1].Values) ||
		!slices.Equal(c.Weights, []int32{0, model.One, 2 * model.One, 3 * model.One, 4 * model.One, -5 * model.One}) {
		t.Errorf("the cross is %+v", c)
	}
}
