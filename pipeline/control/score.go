package control

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"

	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/profile"
	"kindred/pipeline/selection"
	"kindred/pipeline/train"
)

// notCandidate stands for the score of a row that cannot become a member.
const notCandidate = -1

// quantized makes a model of a fit: whole-number weights by value. A weight of 0 need not be said.
func quantized(fitted *train.Result, columns []field.Column) *model.Model {
	m := &model.Model{Bias: model.Quantize(fitted.Bias), Scores: model.Logistic()}
	for i := range columns {
		c := &columns[i]
		f := model.Field{Name: c.Name, Bounds: c.Bounds, Weights: map[string]int32{}}
		for level, logits := range fitted.Weights[i] {
			weight := model.Quantize(logits)
			switch {
			case level == int(c.Absent):
				f.Absent = weight
			case weight == 0:
			case c.Bounds != nil:
				f.Weights[strconv.Itoa(level)] = weight
			default:
				f.Weights[c.Values[level]] = weight
			}
		}
		m.Fields = append(m.Fields, f)
	}
	return m
}

// score scores every candidate of every shard and counts them by score.
func score(ctx context.Context, m *model.Model, parts []*part, tell func(done float64)) (*selection.Histogram, error) {
	var sum selection.Histogram
	var mutex sync.Mutex
	var done atomic.Int64
	err := each(ctx, parts, func(_ context.Context, p *part) error {
		counted := p.score(m)
		mutex.Lock()
		defer mutex.Unlock()
		sum.Add(counted)
		tell(float64(done.Add(1)) / float64(len(parts)))
		return nil
	})
	return &sum, err
}

// score scores the candidates of the shard, block by block.
func (p *part) score(m *model.Model) *selection.Histogram {
	table := model.NewTable(m)
	table.Fold(columnsOf(p.view.Fields))
	histogram := new(selection.Histogram)
	p.scores = make([]int16, 0, p.view.NumRows)
	for b := range p.view.Blocks() {
		rows, width := p.view.Rows(b), p.view.Width
		n := len(rows) / width
		p.scores = p.scores[:len(p.scores)+n]
		block := p.scores[len(p.scores)-n:]
		table.ScoreBlock(rows, width, block)
		p.exclude(b, rows, block)
		for _, score := range block {
			if score != notCandidate {
				histogram[score]++
			}
		}
	}
	return histogram
}

// exclude takes out whoever cannot become a member: the rule of model.Eligible, a segment at a time.
func (p *part) exclude(b int, rows []byte, scores []int16) {
	width := p.view.Width
	for i := range scores {
		if !profile.Consents(rows[i*width:]) {
			scores[i] = notCandidate
		}
	}
	outside := func(segment *profile.Segment, in bool) {
		members := segment.Block(b)
		for i := range scores {
			if members.Has(i) == in {
				scores[i] = notCandidate
			}
		}
	}
	if p.definition.Candidates.SegmentID != "" {
		outside(p.candidates, false)
	}
	if p.definition.ExcludeSource {
		outside(p.source, true)
	}
	for _, segment := range p.suppress {
		outside(segment, true)
	}
}

// ties gives the ties of all candidates at the cut's score, if they decide anything.
func ties(parts []*part, chosen selection.Choice, expansionID string) []uint64 {
	if !chosen.NeedsTies() {
		return nil
	}
	var all []uint64
	for _, p := range parts {
		for row, score := range p.scores {
			if int(score) == chosen.Score {
				all = append(all, model.Tie(expansionID, p.view.ID(row)))
			}
		}
	}
	return all
}

// columnsOf says where a shard keeps its fields, in the words of a model's table.
func columnsOf(fields []profile.Field) []model.Column {
	columns := make([]model.Column, len(fields))
	for i, f := range fields {
		columns[i] = model.Column{
			Name: f.Name, Code: f.Code, Number: f.Number, Values: f.Values, Overflow: f.Overflow, Version: f.Version,
		}
	}
	return columns
}

// scores gives bounds as scores from 0 to 1.
func scores(bounds model.Bounds) (from [3]float64) {
	for i, b := range bounds {
		from[i] = float64(b) / model.Best
	}
	return from
}
