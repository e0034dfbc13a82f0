package train

import "slices"

// rowsOfCell bounds how many cells a joint of several may have: one for so many rows. With more, going through the cells would
// cost more than the rows save.
const rowsOfCell = 16

// joint is fields whose levels a row is looked up by at once. It has a cell for each combination of them, and in a cell the
// columns of its fields and of its crosses.
type joint struct {
	fields  []int // ascending; by which cells are numbered, the level of the last running fastest
	of      []int // those whose columns are in the cells, one by one
	crosses []int // the same of crosses, by number
	first   int   // its first cell, as all joints number theirs
	cells   int
}

// jointsOf puts all fields and crosses of a design into joints, a few together. Fields have so many levels.
func jointsOf(levels []int, crosses []cross, rows int) (joints []joint) {
	most := rows / rowsOfCell
	place := func(fields []int) *joint {
		for i := range joints {
			j := &joints[i]
			wider := slices.Concat(j.fields, fields)
			slices.Sort(wider)
			wider = slices.Compact(wider)
			if cells := product(levels, wider); cells <= most {
				j.fields, j.cells = wider, cells
				return j
			}
		}
		joints = append(joints, joint{fields: fields, cells: product(levels, fields)})
		return &joints[len(joints)-1]
	}
	for x := range crosses {
		j := place(crosses[x].fields)
		j.crosses = append(j.crosses, x)
	}
	for f := range levels {
		j := place([]int{f})
		j.of = append(j.of, f)
	}
	first := 0
	for i := range joints {
		joints[i].first = first
		first += joints[i].cells
	}
	return joints
}

// product returns how many combinations of levels some fields have.
func product(levels, fields []int) int {
	n := 1
	for _, f := range fields {
		n *= levels[f]
	}
	return n
}
