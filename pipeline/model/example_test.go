package model_test

import (
	"fmt"

	"kindred/pipeline/format"
	"kindred/pipeline/model"
)

// A model is folded for the rows of a shard, which hold codes, and then scores them.
func ExampleTable() {
	m := &model.Model{
		Epoch:  1,
		Bias:   model.Quantize(-1),
		Fields: []model.Field{{Name: "City", Weights: map[string]int32{`"Oslo"`: model.Quantize(2.5)}, Absent: model.Quantize(-0.5)}},
		Scores: model.Logistic(),
		Cut:    model.Cut{Score: 5500},
		Bands:  model.Bounds{4000, 6000, 8000},
	}
	table := model.NewTable(m)
	table.Fold([]format.Field{{Name: "City", Code: 1, Number: -1, Values: []string{"", `"Bergen"`, `"Oslo"`}}})

	const flags = 7 // in use, has a profile, consents
	for _, row := range [][]byte{{flags, 2}, {flags, 1}, {flags, 0}} {
		score := table.Score(row)
		fmt.Println(score, m.Band(score), m.Reaches(score, "vip-lookalike", []byte("ann")))
	}
	// Output:
	// 8176 3 true
	// 2689 0 false
	// 1824 0 false
}
