package train

import (
	"slices"
	"testing"
)

// Each field and each cross is in one joint, which has the fields that it needs, and is no larger than rows pay for.
func TestEveryFieldAndCrossIsInOneJoint(t *testing.T) {
	levels := []int{3, 8, 13, 5, 10, 15, 7, 255, 2, 2, 2, 1}
	crosses := []cross{{fields: []int{0, 6}}, {fields: []int{0, 2, 6}}, {fields: []int{5, 7}}, {fields: []int{8, 9}}}
	for _, rows := range []int{0, 100, 3_000, 11_250, 1_000_000} {
		of, ofCrosses := make([]int, len(levels)), make([]int, len(crosses))
		first := 0
		joints := jointsOf(levels, crosses, rows)
		for _, j := range joints {
			if j.first != first || j.cells != product(levels, j.fields) || !slices.IsSorted(j.fields) {
				t.Errorf("%d rows: joint %+v, want its first cell to be %d", rows, j, first)
			}
			if alone := len(j.of)+len(j.crosses) == 1; !alone && j.cells > rows/rowsOfCell {
				t.Errorf("%d rows: %d cells of fields %v", rows, j.cells, j.fields)
			}
			first += j.cells
			has := func(f int) bool { return slices.Contains(j.fields, f) }
			for _, f := range j.of {
				of[f]++
				if !has(f) {
					t.Errorf("%d rows: field %d is not among those of its joint %v", rows, f, j.fields)
				}
			}
			for _, x := range j.crosses {
				ofCrosses[x]++
				if slices.ContainsFunc(crosses[x].fields, func(f int) bool { return !has(f) }) {
					t.Errorf("%d rows: cross of %v in a joint of %v", rows, crosses[x].fields, j.fields)
				}
			}
		}
		if slices.Min(of) != 1 || slices.Max(of) != 1 || slices.Min(ofCrosses) != 1 || slices.Max(ofCrosses) != 1 {
			t.Errorf("%d rows: fields are in %v joints, crosses in %v", rows, of, ofCrosses)
		}
		if rows == 11_250 && len(joints) > 5 {
			t.Errorf("%d joints of %d fields", len(joints), len(levels))
		}
	}
}
