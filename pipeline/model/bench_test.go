package model

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"kindred/pipeline/format"
)

// crosses are of fields by number, as a run finds them: some fields are in many.
var crosses = [][]int{{0, 1}, {0, 6}, {0, 12}, {0, 13}, {0, 18}, {0, 19}, {6, 12}, {12, 13}}

// made is a model of n fields with k values each and some crosses, its columns, and rows of them.
func made(n, k, rows int, crosses [][]int) (*Table, []byte, int) {
	random := rand.New(rand.NewPCG(1, 2))
	m := &Model{Epoch: 1, Scores: Logistic(), Bands: Bounds{4000, 6000, 8000}, Bias: -3000}
	var columns []format.Field
	for f := range n {
		field := Field{Name: "f" + strconv.Itoa(f), Weights: map[string]int32{}, Absent: int32(random.IntN(20000) - 10000)}
		c := format.Field{Name: field.Name, Code: 1 + f, Number: -1, Values: []string{""}, Version: 1}
		for v := range k {
			text := strconv.Quote("v" + strconv.Itoa(v))
			field.Weights[text] = int32(random.IntN(60000) - 30000)
			c.Values = append(c.Values, text)
		}
		m.Fields, columns = append(m.Fields, field), append(columns, c)
	}
	for _, fields := range crosses {
		c := Cross{}
		for _, f := range fields {
			c.Fields, c.Values = append(c.Fields, m.Fields[f].Name), append(c.Values, columns[f].Values[1:])
		}
		for range len(c.Values[0]) * len(c.Values[1]) {
			c.Weights = append(c.Weights, int32(random.IntN(20000)-10000))
		}
		m.Crosses = append(m.Crosses, c)
	}
	width := (1 + n + 7) / 8 * 8
	block := make([]byte, rows*width)
	for i := range rows {
		for f := range n {
			block[i*width+1+f] = byte(random.IntN(k + 1))
		}
	}
	t := NewTable(m)
	t.Fold(columns)
	return t, block, width
}

func BenchmarkScoreOneRow(b *testing.B) { benchmarkScoreOneRow(b, nil) }

func BenchmarkScoreOneRowWithCrosses(b *testing.B) { benchmarkScoreOneRow(b, crosses) }

func benchmarkScoreOneRow(b *testing.B, crosses [][]int) {
	t, rows, width := made(20, 12, 4095, crosses)
	sum := 0
	i := 0
	for b.Loop() {
		sum += t.Score(rows[i*width : (i+1)*width])
		if i++; i == 4095 {
			i = 0
		}
	}
	_ = sum
}

func BenchmarkScoreBlock(b *testing.B) { benchmarkScoreBlock(b, nil) }

func BenchmarkScoreBlockWithCrosses(b *testing.B) { benchmarkScoreBlock(b, crosses) }

func benchmarkScoreBlock(b *testing.B, crosses [][]int) {
	t, rows, width := made(20, 12, 4095, crosses)
	out := make([]int16, 4095)
	for b.Loop() {
		t.ScoreBlock(rows, width, out)
	}
	b.ReportMetric(float64(b.N)*4095/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkNewTableWithCrosses(b *testing.B) {
	t, _, _ := made(20, 12, 1, crosses)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			NewTable(t.model)
		}
	})
	t.model.Share()
	b.Run("another", func(b *testing.B) {
		for b.Loop() {
			NewTable(t.model)
		}
	})
}

func BenchmarkReach(b *testing.B) {
	id := []byte("c-123456789")
	for b.Loop() {
		Tie("vip-expansion", id)
	}
}
