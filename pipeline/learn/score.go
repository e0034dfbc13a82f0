package learn

import (
	"context"
	"sync"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// notCandidate is the score of a row that cannot become a member. Below it, exclusions mark who is taken out, and by which.
const notCandidate = -1

// score scores every candidate of every shard, counts them by score, and finds the cut.
func (r *run) score(ctx context.Context) error {
	r.progress(schemas.Scoring, 0)
	r.model.Share()
	r.histogram, r.lost = new(selection.Histogram), new(schemas.Lost)
	var mutex sync.Mutex
	done := 0
	err := r.eachShard(ctx, func(_ context.Context, s *shard) error {
		scores, counted, lost := Score(r.model, s.view)
		s.scores = scores
		mutex.Lock()
		defer mutex.Unlock()
		r.histogram.Add(counted)
		r.lost.Add(lost)
		done++
		r.progress(schemas.Scoring, float64(done)/float64(r.Number))
		return nil
	})
	if err != nil {
		return err
	}
	r.chosen = selection.Choose(r.histogram, r.preset.Rule(&r.Definition))
	r.lost.BelowFloor, r.lost.BelowCut = r.chosen.Candidates-r.chosen.Similar, r.chosen.Similar-r.chosen.Members
	r.model.Cut = r.chosen.Cut(r.ties())
	return nil
}

// Score returns the score of every row of a shard, -1 for one that cannot become a member, counts the candidates by score, and
// those who are none by what keeps them out.
func Score(m *model.Model, view *cache.View) (scores []int16, counted *selection.Histogram, lost *schemas.Lost) {
	table := model.NewTable(m)
	table.Fold(view.Fields)
	excluded := exclusions(&m.Definition, view)
	out := make([]int64, len(excluded)) // those who are taken out, by exclusion
	counted, lost = new(selection.Histogram), new(schemas.Lost)
	scores = make([]int16, 0, view.NumRows)
	for b := range view.Blocks() {
		rows, width := view.Rows(b), view.Width
		n := len(rows) / width
		scores = scores[:len(scores)+n]
		block := scores[len(scores)-n:]
		table.ScoreBlock(rows, width, block)
		for k, e := range excluded {
			e.apply(b, block, notCandidate-int16(k))
		}
		for i, score := range block {
			switch {
			case !cache.Consents(rows):
				block[i] = notCandidate
				if cache.HasProfile(rows) {
					lost.NoConsent++
				}
			case score >= 0:
				counted[score]++
			default:
				block[i] = notCandidate
				out[notCandidate-score]++
			}
			rows = rows[width:]
		}
	}
	for k, e := range excluded {
		e.lose(lost, out[k])
	}
	return scores, counted, lost
}

// exclusion takes out whoever is in a segment, or whoever is not.
type exclusion struct {
	segment *cache.Segment
	in      bool
	source  bool // the segment is the source
}

// lose counts whom it takes out.
func (e exclusion) lose(lost *schemas.Lost, customers int64) {
	switch {
	case !e.in:
		lost.NotCandidate += customers
	case e.source:
		lost.Source += customers
	default:
		lost.Suppressed += customers
	}
}

// exclusions returns the rule of model.Eligible, a segment at a time.
func exclusions(d *schemas.Definition, view *cache.View) (all []exclusion) {
	if d.Candidates.SegmentID != "" {
		all = append(all, exclusion{view.Segment(d.Candidates.SegmentID), false, false})
	}
	if d.ExcludeSource {
		all = append(all, exclusion{view.Segment(d.SourceSegmentID), true, true})
	}
	for _, id := range d.Suppress {
		all = append(all, exclusion{view.Segment(id), true, false})
	}
	return all
}

// apply overwrites the scores of those in a block who are taken out, if no other has done so, by a mark.
func (e exclusion) apply(block int, scores []int16, mark int16) {
	members := e.segment.Block(block)
	if e.in {
		members.Each(len(scores), func(i int) {
			if scores[i] >= 0 {
				scores[i] = mark
			}
		})
		return
	}
	for i := range scores {
		if scores[i] >= 0 && !members.Has(i) {
			scores[i] = mark
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
