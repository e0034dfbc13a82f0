package shard

import (
	"kindred/pipeline/cache"
	"kindred/pipeline/model"
)

// expansions are those that decide here, by id: each has a model, or the record of its deletion.
type expansions map[string]*expansion

// expansion is one expanded segment as this shard sees it: the model folded into the shard's own codes, and pointers
// to everything that the decision on a row reads.
type expansion struct {
	id       string
	model    *model.Read // its bytes are saved with the last slice of its pass
	modelAt  int64       // offset of its record, or beforeAll
	table    *model.Table
	folded   uint64 // version of the mirror's dictionaries that the table was folded for
	linked   int    // one more than the mirror's segments when the pointers below were taken; 0: take them anew
	progress *cache.Progress

	// A state counts as published as soon as its record is in the outbox; if the publication fails it becomes unknown.
	published *cache.Published

	candidates, source used
	suppress           []used
}

// beforeAll is the place of a model that was adopted from the cache: before the records of all that were read since.
const beforeAll = -1

// adopt makes a model, whose record is at this offset, the one that decides, without a pass.
func (o *Owner) adopt(id string, m *model.Read, at int64) *expansion {
	e := &expansion{id: id, model: m, modelAt: at, progress: o.progress(id), published: o.mirror.Published(id, true)}
	o.expansions[id] = e
	o.arrange()
	return e
}

// progress returns what the controller will read of an expansion in this shard's meta.
func (o *Owner) progress(id string) *cache.Progress {
	p := o.meta.Expansions[id]
	if p == nil {
		p = &cache.Progress{}
		o.meta.Expansions[id] = p
	}
	return p
}

// prepare folds the model for the dictionaries as they are now and finds its segments. It must be called before rows are
// scored or decided on, and costs two comparisons when nothing is new.
func (o *Owner) prepare(e *expansion) {
	if e.model.Deleted {
		return
	}
	if version := o.mirror.Version(); e.table == nil || e.folded != version {
		if e.table == nil {
			e.table = model.NewTable(e.model.Model)
		}
		e.table.Fold(o.mirror.Fields())
		e.folded = version
	}
	if known := o.mirror.SegmentCount(); e.linked != known+1 {
		e.linked = known + 1 // never 0
		o.link(e)
	}
}

// decide returns what the published state of a row should be, by the rule of membership. Most rows are below the cut, so
// that is looked at first; the id is looked for only where it can decide anything.
func (e *expansion) decide(mirror *cache.Mirror, row, score int) cache.State {
	m := e.model
	if score < e.least() || !m.Eligible(e.standing(mirror, row)) {
		return cache.None
	}
	if m.Hinges(score) {
		if id := mirror.ID(row); !m.Reaches(score, e.id, id) || m.HoldsOut(e.id, id) {
			return cache.None
		}
	}
	return cache.PackState(m.Band(score), score)
}

// least returns the lowest score that a member may have.
func (e *expansion) least() int {
	if e.model.Deleted {
		return model.Best + 1
	}
	return e.model.Cut.Score
}

// score returns the score of a row: 0 when the expansion is deleted, since nobody is eligible then.
func (e *expansion) score(mirror *cache.Mirror, row int) int {
	if e.model.Deleted {
		return 0
	}
	return e.table.Score(mirror.Row(row))
}

func (e *expansion) scoreBlock(rows []byte, width int, scores []int16) {
	if e.model.Deleted {
		clear(scores)
		return
	}
	e.table.ScoreBlock(rows, width, scores)
}

func (e *expansion) standing(mirror *cache.Mirror, row int) model.Standing {
	s := model.Standing{
		Profile:   mirror.HasProfile(row),
		Consents:  mirror.Consents(row),
		Candidate: e.candidates.has(row),
		Source:    e.source.has(row),
	}
	for _, segment := range e.suppress {
		s.Suppressed = s.Suppressed || segment.has(row)
	}
	return s
}
