package model

import (
	"maps"
	"slices"
)

// joint is what some fields weigh together in the rows of one shard: one look finds what all their crosses weigh, and what their
// values do by themselves. What a value counts as adds up to a place among the weights. The place of a value that weighs
// nothing is 0 in its field.
type joint struct {
	weighing         // places
	weights  []int32 // all tables of a model share them
}

// newJoint makes a joint of crosses of these fields, and of crosses of one field, which stand for what it weighs by itself.
func newJoint(fields []Field, crosses []*Cross) joint {
	places := make([]Field, len(fields))
	values := make([][]string, len(fields))
	size := int32(1)
	for i, f := range slices.Backward(fields) {
		places[i] = Field{Name: f.Name, Numbers: f.Numbers, Bounds: f.Bounds, Weights: map[string]int32{}}
		values[i] = named(f.Name, crosses)
		for k, value := range values[i] {
			if place := size * int32(k+1); value == "" {
				places[i].Absent = place
			} else {
				places[i].Weights[value] = place
			}
		}
		size *= int32(len(values[i]) + 1)
	}
	j := joint{newWeighing(0, places), make([]int32, size)}
	for _, c := range crosses {
		spread(c.Weights, c.steps(fields, values), 0, j.weights)
	}
	return j
}

// named returns the values of a field that crosses name.
func named(field string, crosses []*Cross) (values []string) {
	for _, c := range crosses {
		if i := slices.Index(c.Fields, field); i >= 0 {
			values = append(values, c.Values[i]...)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// itself returns what a field weighs by itself as a cross of one field.
func (f *Field) itself() *Cross {
	values, weights := []string{""}, []int32{f.Absent}
	for _, value := range slices.Sorted(maps.Keys(f.Weights)) {
		values, weights = append(values, value), append(weights, f.Weights[value])
	}
	return &Cross{[]string{f.Name}, [][]string{values}, weights}
}

// steps returns how far each digit of a place leads among the cross's weights, by field: -1 for a value that does not count.
func (c *Cross) steps(fields []Field, values [][]string) [][]int {
	steps := make([][]int, len(fields))
	for k := range fields {
		steps[k] = make([]int, len(values[k])+1)
	}
	step := 1
	for i, name := range slices.Backward(c.Fields) {
		k := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		for digit := range steps[k] {
			steps[k][digit] = -1
		}
		for at, value := range c.Values[i] {
			digit, _ := slices.BinarySearch(values[k], value)
			steps[k][digit+1] = at * step
		}
		step *= len(c.Values[i])
	}
	return steps
}

// spread adds the weights of a cross to all places that have its values.
func spread(weights []int32, steps [][]int, from int, places []int32) {
	size := len(places) / len(steps[0])
	for digit, step := range steps[0] {
		switch {
		case step < 0:
		case size == 1:
			places[digit] += weights[from+step]
		default:
			spread(weights, steps[1:], from+step, places[digit*size:(digit+1)*size])
		}
	}
}

// weight returns what a row weighs here.
func (j *joint) weight(row []byte) int32 { return j.weights[j.sum(row)] }

// addRows adds what a block's rows weigh here to their sums. The places of a few codes need no room.
func (j *joint) addRows(rows []byte, width int, sums []int32) {
	weights, base := j.weights, j.base
	codes := j.codes
	if len(j.numbers) > 0 {
		codes = nil
	}
	switch len(codes) {
	case 2:
		a, b := &codes[0].weights, &codes[1].weights
		atA, atB := codes[0].at, codes[1].at
		for i := range sums {
			row := rows[:width]
			sums[i] += weights[base+a[row[atA]]+b[row[atB]]]
			rows = rows[width:]
		}
	case 3:
		a, b, c := &codes[0].weights, &codes[1].weights, &codes[2].weights
		atA, atB, atC := codes[0].at, codes[1].at, codes[2].at
		for i := range sums {
			row := rows[:width]
			sums[i] += weights[base+a[row[atA]]+b[row[atB]]+c[row[atC]]]
			rows = rows[width:]
		}
	case 4:
		a, b, c, d := &codes[0].weights, &codes[1].weights, &codes[2].weights, &codes[3].weights
		atA, atB, atC, atD := codes[0].at, codes[1].at, codes[2].at, codes[3].at
		for i := range sums {
			row := rows[:width]
			sums[i] += weights[base+a[row[atA]]+b[row[atB]]+c[row[atC]]+d[row[atD]]]
			rows = rows[width:]
		}
	default:
		var room [chunk]int32
		places := room[:len(sums)]
		j.sumRows(rows, width, places)
		for i, place := range places {
			sums[i] += weights[place]
		}
	}
}
