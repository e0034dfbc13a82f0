package learn

import (
	"context"
	"strconv"
	"sync"

	"kindred/pipeline/cache"
	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// NotCandidate stands for the score of a row that cannot become a member.
const NotCandidate = -1

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

// score scores every candidate of every shard, counts them by score, and finds the cut.
func (f *findings) score(ctx context.Context, tell func(schemas.Stage, float64)) error {
	tell(schemas.Scoring, 0)
	f.histogram = new(selection.Histogram)
	var mutex sync.Mutex
	done := 0
	err := each(ctx, f.parts, func(_ context.Context, p *part) error {
		scores, counted := Score(f.model, p.view)
		p.scores = scores
		mutex.Lock()
		defer mutex.Unlock()
		f.histogram.Add(counted)
		done++
		tell(schemas.Scoring, float64(done)/float64(len(f.parts)))
		return nil
	})
	if err != nil {
		return err
	}
	f.chosen = selection.Choose(f.histogram, f.preset.Rule(&f.Definition))
	f.model.Cut = f.chosen.Cut(ties(f.parts, f.chosen, f.ExpansionID))
	return nil
}

// Score scores every row of a shard, and counts the candidates by score. Who cannot become a member scores NotCandidate.
func Score(m *model.Model, view *cache.View) (scores []int16, counted *selection.Histogram) {
	table := model.NewTable(m)
	table.Fold(view.Fields)
	excluded := exclusions(&m.Definition, view)
	counted = new(selection.Histogram)
	scores = make([]int16, 0, view.NumRows)
	for b := range view.Blocks() {
		rows, width := view.Rows(b), view.Width
		n := len(rows) / width
		scores = scores[:len(scores)+n]
		block := scores[len(scores)-n:]
		table.ScoreBlock(rows, width, block)
		for _, e := range excluded {
			e.apply(b, block)
		}
		for i, score := range block {
			if !cache.Consents(rows) {
				block[i] = NotCandidate
			} else if score != NotCandidate {
				counted[score]++
			}
			rows = rows[width:]
		}
	}
	return scores, counted
}

// exclusion takes out whoever is in a segment, or is not.
type exclusion struct {
	segment *cache.Segment
	in      bool
}

// exclusions are the rule of model.Eligible, a segment at a time.
func exclusions(d *schemas.Definition, view *cache.View) (all []exclusion) {
	if d.Candidates.SegmentID != "" {
		all = append(all, exclusion{view.Segment(d.Candidates.SegmentID), false})
	}
	if d.ExcludeSource {
		all = append(all, exclusion{view.Segment(d.SourceSegmentID), true})
	}
	for _, id := range d.Suppress {
		all = append(all, exclusion{view.Segment(id), true})
	}
	return all
}

func (e exclusion) apply(block int, scores []int16) {
	members := e.segment.Block(block)
	if e.in {
		members.Each(len(scores), func(i int) { scores[i] = NotCandidate })
		return
	}
	for i := range scores {
		if !members.Has(i) {
			scores[i] = NotCandidate
		}
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

// scores gives bounds as scores from 0 to 1.
func scores(bounds model.Bounds) (from [3]float64) {
	for i, b := range bounds {
		from[i] = float64(b) / model.Best
	}
	return from
}
