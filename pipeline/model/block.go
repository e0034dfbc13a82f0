package model

// chunk is how many rows are summed together: their sums and what a pass reads of the rows stay in the nearest cache.
const chunk = 128

// ScoreBlock scores a block of rows, width bytes each: as many as out is long. It goes over the columns, four at a
// time, and for each over the rows, since that keeps the weights at hand.
func (t *Table) ScoreBlock(rows []byte, width int, out []int16) {
	var room [chunk]int32
	for len(out) > 0 {
		n := min(chunk, len(out))
		sums := room[:n]
		t.alone.sumRows(rows[:n*width], width, sums)
		for i := range t.joints {
			t.joints[i].addRows(rows[:n*width], width, sums)
		}
		t.scale.scores(sums, out[:n])
		rows, out = rows[n*width:], out[n:]
	}
}

func (w *weighing) sumRows(rows []byte, width int, sums []int32) {
	for i := range sums {
		sums[i] = w.base
	}
	left := w.codes
	for ; len(left) >= 4; left = left[4:] {
		a, b, c, d := &left[0].weights, &left[1].weights, &left[2].weights, &left[3].weights
		atA, atB, atC, atD := left[0].at, left[1].at, left[2].at, left[3].at
		for i, rest := 0, rows; i < len(sums); i++ {
			row := rest[:width]
			sums[i] += a[row[atA]] + b[row[atB]] + c[row[atC]] + d[row[atD]]
			rest = rest[width:]
		}
	}
	for k := range left {
		for i, at := 0, left[k].at; i < len(sums); i, at = i+1, at+width {
			sums[i] += left[k].weights[rows[at]]
		}
	}
	for k := range w.numbers {
		for i := range sums {
			sums[i] += w.numbers[k].weight(rows[i*width:])
		}
	}
}

// scores scores many sums, without branches that depend on them; a loose scale has some that are hardly ever taken.
func (sc *scale) scores(sums []int32, out []int16) {
	from, to, steps, shift := sc.from, sc.to, sc.steps, sc.shift&31
	mask := (uint32(1)<<shift - 1) & inStep // steps of more sums hold no thresholds
	for i, sum := range sums {
		above := uint32(min(max(sum, from), to) - from)
		s := steps[above>>shift].score(above & mask)
		if sum < from {
			s = 0
		}
		out[i] = int16(s)
	}
	if sc.loose {
		for i, sum := range sums {
			for s := out[i]; sc.sums[s+1] <= sum; s++ {
				out[i] = s + 1
			}
		}
	}
}
