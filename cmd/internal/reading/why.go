package reading

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// Why says how a customer stands to an expansion.
type Why struct {
	ExpansionID string    `json:"expansionId"`
	Name        string    `json:"name"`
	CustomerID  string    `json:"customerId"`
	Member      bool      `json:"member"`  // as published
	Reason      string    `json:"reason"`  // why the customer is no member by the last model, in a word; empty: should be one
	Message     string    `json:"message"` // the same in a sentence, with what is published
	Score       *float64  `json:"score"`   // null: there is nothing to score
	Band        string    `json:"band,omitempty"`
	Floor       float64   `json:"floor"`
	Cut         float64   `json:"cut"` // lowest score of a member
	Epoch       int64     `json:"epoch"`
	RunID       string    `json:"runId"` // of the model
	AsOf        time.Time `json:"asOf"`  // when the customer's shard was saved

	Reasons    []Reason `json:"reasons"`    // the weightiest first
	WouldBring []Change `json:"wouldBring"` // single changes that reach the cut, the smallest first
	History    []Past   `json:"history"`    // oldest first, at most mostPast
}

// Why a customer is no member.
const (
	UnknownCustomer = "unknown_customer"
	NoProfile       = "no_profile"
	NoConsent       = "no_consent"
	NotCandidate    = "not_candidate"
	InSource        = "source"
	IsSuppressed    = "suppressed"
	BelowFloor      = "below_floor"
	BelowCut        = "below_cut"
	LostTie         = "tie"
	IsHeldOut       = "held_out"
)

// Why finds out how a customer stands to an expansion: in the cache of the customer's shard, and in that shard's memberships.
func (f *Facts) Why(ctx context.Context, id, customer string) (*Why, error) {
	expansion, err := f.Committed(id)
	if err != nil {
		return nil, err
	}
	leave, err := f.reads.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	shard := f.Partitioner.Partition([]byte(customer), f.Shards)
	view, err := f.viewFor(ctx, shard, expansion)
	if err != nil {
		return nil, err
	}
	e := &Why{ExpansionID: id, Name: expansion.Name, CustomerID: customer, Reasons: []Reason{}, WouldBring: []Change{}}
	if e.History, err = f.history(ctx, shard, id+"/"+customer); err != nil {
		return nil, err
	}
	m, err := modelIn(view)
	if err != nil {
		return nil, err
	}
	e.Floor, e.Cut = m.Definition.Floor, Score(min(m.Cut.Score, model.Best))
	e.Epoch, e.RunID, e.AsOf = m.Epoch, m.RunID, time.UnixMilli(view.Meta.SavedAt).UTC()
	e.explain(view, m, expansion.Report)
	return e, nil
}

// viewFor reads the cache of a shard with all that decides on the members of an expansion.
func (f *Facts) viewFor(ctx context.Context, shard int, expansion *schemas.Expansion) (*cache.View, error) {
	want := cache.Want{Expansions: []string{expansion.ExpansionID}, Model: expansion.ExpansionID}
	for _, segment := range expansion.Definition.Segments() {
		if e := f.Book.Expansion(segment); e != nil && e.State != schemas.StateDeleted {
			want.Derived = append(want.Derived, segment)
		} else {
			want.Segments = append(want.Segments, segment)
		}
	}
	view, err := f.Cache.Scan(ctx, shard, want)
	if err == nil && view.Model() == nil {
		err = fmt.Errorf("shard %d has not read the model yet: %w", shard, cache.ErrNotReady)
	}
	return view, readable(err)
}

// modelIn returns the model that viewFor has read.
func modelIn(view *cache.View) (*model.Model, error) {
	m, err := model.Decode(view.Model())
	if err == nil && m.Deleted {
		err = errors.New("the expansion was deleted")
	}
	if err != nil {
		return nil, fmt.Errorf("the model in the cache of shard %d: %w", view.Shard, err)
	}
	return m, nil
}

// explain applies the rule of membership to the customer's row, and says what decides.
func (e *Why) explain(view *cache.View, m *model.Model, report *schemas.Report) {
	row, known := view.Find([]byte(e.CustomerID))
	if !known {
		e.say(UnknownCustomer, "nothing is known of the customer, neither a profile nor a segment")
		return
	}
	e.Member = view.Published(e.ExpansionID).Has(row)
	bytes := view.Row(row)
	s, suppressedBy := standing(view, row, &m.Definition)
	switch {
	case !s.Profile:
		e.say(NoProfile, "the customer has no profile")
		return
	case !s.Consents:
		e.say(NoConsent, "the customer does not consent to profiling")
		return
	}
	account := model.NewAccount(m)
	account.Fold(view.Fields)
	scored := account.Score(bytes)
	e.Score, e.Band = new(Score(scored)), schemas.BandNames[m.Band(scored)]
	say := words{m, report}
	e.Reasons = say.reasons(account.Beside(bytes, sampled(view)))
	chosen, heldOut := m.Eligible(s) && m.Reaches(scored, e.ExpansionID, []byte(e.CustomerID)), m.HoldsOut(e.ExpansionID, []byte(e.CustomerID))
	switch {
	case chosen && heldOut:
		e.say(IsHeldOut, "the score reaches the cut, and the customer is held out by lot, to measure what the segment is worth")
	case chosen:
		e.say("", "the score reaches the cut")
	case !s.Candidate && m.Definition.Candidates.SegmentID != "":
		e.say(NotCandidate, "the customer is not in "+m.Definition.Candidates.SegmentID+", whose members alone can be members")
	case s.Source && m.Definition.ExcludeSource:
		e.say(InSource, "the customer is in the source, "+m.Definition.SourceSegmentID)
	case s.Suppressed:
		e.say(IsSuppressed, "the customer is in "+suppressedBy+", whose members are never members")
	case heldOut:
		e.sayBelow(m, scored)
		e.Message += "; above it the customer would be held out, so no other value would bring a member"
	default:
		e.sayBelow(m, scored)
		e.WouldBring = say.bringing(account, bytes, e.ExpansionID, e.CustomerID)
	}
}

// standing returns what decides whether the customer of a row may be a member, and a suppressed segment that has the customer.
func standing(view *cache.View, row int, d *schemas.Definition) (s model.Standing, suppressedBy string) {
	bytes := view.Row(row)
	s = model.Standing{
		Profile: cache.HasProfile(bytes), Consents: cache.Consents(bytes),
		Candidate: view.Segment(d.Candidates.SegmentID).Has(row), Source: view.Segment(d.SourceSegmentID).Has(row),
	}
	for _, id := range d.Suppress {
		if view.Segment(id).Has(row) && !s.Suppressed {
			s.Suppressed, suppressedBy = true, id
		}
	}
	return s, suppressedBy
}

// sayBelow says that a customer who may be a member does not reach the cut.
func (e *Why) sayBelow(m *model.Model, scored int) {
	switch {
	case *e.Score < e.Floor:
		e.say(BelowFloor, "the score is below the floor")
	case m.Cut == model.Nobody():
		e.say(BelowCut, "nobody was similar enough when the cut was found, so nobody is a member until a run finds another")
	case scored == m.Cut.Score:
		e.say(LostTie, "the score is that of the cut, and of those who have it the tie took others")
	default:
		e.say(BelowCut, "the score is below the cut")
	}
}

// say notes why the customer is no member, empty if the model makes it one, beside what is published.
func (e *Why) say(reason, sentence string) {
	e.Reason = reason
	switch {
	case e.Member && reason == "":
		e.Message = "is a member: " + sentence
	case e.Member:
		e.Message = "is still published as a member, which will be taken back: " + sentence
	case reason == "":
		e.Message = "will be a member, which is not published yet: " + sentence
	default:
		e.Message = "is no member: " + sentence
	}
}

// Score returns ten-thousandths as a score from 0 to 1.
func Score(tenThousandths int) float64 { return float64(tenThousandths) / model.Best }
