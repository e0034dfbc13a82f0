package learn

import (
	"context"
	"sync"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// notCandidate is the score of a row that cannot become a member.
const notCandidate = -1

// score scores every candidate of every shard, counts them by score, and finds the cut.
func (r *run) score(ctx context.Context) error {
	r.progress(schemas.Scoring, 0)
	r.histogram = new(selection.Histogram)
	var mutex sync.Mutex
	done := 0
	err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
		scores, counted := Score(r.model, s.view)
		s.scores = scores
		mutex.Lock()
		defer mutex.Unlock()
		r.histogram.Add(counted)
		done++
		r.progress(schemas.Scoring, float64(done)/float64(r.Number))
		return nil
	})
	if err != nil {
		return err
	}
	r.chosen = selection.Choose(r.histogram, r.preset.Rule(&r.Definition))
	r.model.Cut = r.chosen.Cut(r.ties())
	return nil
}

// Score returns the score of every row of a shard, -1 for one that cannot become a member, and counts the candidates by score.
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
				block[i] = notCandidate
			} else if score != notCandidate {
				counted[score]++
			}
			rows = rows[width:]
		}
	}
	return scores, counted
}

// exclusion takes out whoever is in a segment, or whoever is not.
type exclusion struct {
	segment *cache.Segment
	in      bool
}

// exclusions returns the rule of model.Eligible, a segment at a time.
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

// apply overwrites the scores of those in a block who are taken out.
func (e exclusion) apply(block int, scores []int16) {
	members := e.segment.Block(block)
	if e.in {
		members.Each(len(scores), func(i int) { scores[i] = notCandidate })
		return
	}
	for i := range scores {
		if !members.Has(i) {
			scores[i] = notCandidate
		}
	}
}

// ties returns the ties of all candidates at the cut's score, or nil when they decide nothing.
func (r *run) ties() []uint64 {
	if !r.chosen.NeedsTies() {
		return nil
	}
	var all []uint64
	for _, s := range r.shards {
		for row, score := range s.scores {
			if int(score) == r.chosen.Score {
				all = append(all, model.Tie(r.ExpansionID, s.view.ID(row)))
			}
		}
	}
	return all
}
