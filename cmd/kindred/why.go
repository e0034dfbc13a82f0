package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"kindred/pipeline/cache"
	"kindred/pipeline/model"
	"kindred/schemas"
)

func (p *program) why() *cobra.Command {
	return &cobra.Command{
		Use:   "why ID CUSTOMER",
		Short: "Explain why a customer is a member of an expansion, or is none",
		Long: "Explain why a customer is a member of an expansion, or is none: the score and the cut, what raises and what lowers the score\n" +
			"beside other customers, which single changes would bring the customer in, and how the membership has changed so far, as far\n" +
			"back as the log reaches. \"×2.3\" says that the value makes it 2.3 times as likely that somebody is like the source.\n\n" +
			"It shows what is known of one person: who may not see profiles should not see this.",
		Example: "  kindred why vip-expansion c-17",
		Args:    named("ID", "CUSTOMER"),
		RunE: func(command *cobra.Command, arguments []string) error {
			id, customer := arguments[0], arguments[1]
			if err := canBeExpansion(command, id); err != nil {
				return err
			}
			if err := schemas.ValidCustomerID([]byte(customer)); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			found, err := p.explain(command.Context(), id, customer)
			if err != nil {
				return err
			}
			return p.print(found, func() { found.draw(p.out) })
		},
	}
}

// explanation is what `why` prints.
type explanation struct {
	ExpansionID string   `json:"expansionId"`
	Name        string   `json:"name"`
	CustomerID  string   `json:"customerId"`
	Member      bool     `json:"member"`  // as published
	Reason      string   `json:"reason"`  // why the customer is no member by the last model, in a word; empty: should be one
	Message     string   `json:"message"` // the same in a sentence, with what is published
	Score       *float64 `json:"score"`   // null: there is nothing to score
	Band        string   `json:"band,omitempty"`
	Floor       float64  `json:"floor"`
	Cut         float64  `json:"cut"` // lowest score of a member
	Epoch       int64    `json:"epoch"`
	RunID       string   `json:"runId"` // of the model

	Reasons    []reasonLine `json:"reasons"`    // the weightiest first
	WouldBring []changeLine `json:"wouldBring"` // single changes that reach the cut, the smallest first
	History    []past       `json:"history"`    // oldest first, at most mostPast
}

// Why a customer is no member.
const (
	unknownCustomer = "unknown_customer"
	noProfile       = "no_profile"
	noConsent       = "no_consent"
	notCandidate    = "not_candidate"
	inSource        = "source"
	isSuppressed    = "suppressed"
	belowFloor      = "below_floor"
	belowCut        = "below_cut"
	lostTie         = "tie"
)

// explain finds out how a customer stands to an expansion: in the cache of its shard, and in that shard's memberships.
func (p *program) explain(ctx context.Context, id, customer string) (*explanation, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	expansion, err := c.committed(ctx, id)
	if err != nil {
		return nil, err
	}
	shards, err := c.partitions(ctx, schemas.Profiles)
	if err != nil {
		return nil, err
	}
	shard := p.settings.Partitioner.Partition([]byte(customer), shards)
	view, err := p.viewFor(ctx, c, shard, expansion)
	if err != nil {
		return nil, err
	}
	e := &explanation{ExpansionID: id, Name: expansion.Name, CustomerID: customer, Reasons: []reasonLine{}, WouldBring: []changeLine{}}
	if e.History, err = c.history(ctx, shard, id+"/"+customer); err != nil {
		return nil, err
	}
	m, err := model.Decode(view.Model())
	if err == nil && m.Deleted {
		err = errors.New("the expansion was deleted")
	}
	if err != nil {
		return nil, fmt.Errorf("the model in the cache of shard %d: %w", shard, err)
	}
	e.Floor, e.Cut = m.Definition.Floor, score(min(m.Cut.Score, model.Best))
	e.Epoch, e.RunID = m.Epoch, m.RunID
	e.explain(view, m, expansion.Report)
	return e, nil
}

// committed reads an expansion that a run has succeeded for and that was not deleted. Any other is an error.
func (c *connection) committed(ctx context.Context, id string) (*schemas.Expansion, error) {
	expansion, err := c.expansion(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case expansion == nil:
		return nil, unknown(id)
	case expansion.State == schemas.StateDeleted:
		return nil, hint(fmt.Errorf("%s was deleted", id), "kindred list")
	case expansion.Definition == nil || expansion.State == schemas.StateNew:
		return nil, hint(fmt.Errorf("no run of %s has succeeded yet", id), "kindred runs "+id)
	}
	return expansion, nil
}

// viewFor reads the cache of a shard with all that decides on the members of an expansion.
func (p *program) viewFor(ctx context.Context, c *connection, shard int, expansion *schemas.Expansion) (*cache.View, error) {
	want := cache.Want{Expansions: []string{expansion.ExpansionID}, Model: expansion.ExpansionID}
	all, err := c.expansions(ctx)
	if err != nil {
		return nil, err
	}
	for _, segment := range expansion.Definition.Segments() {
		if slices.ContainsFunc(all, func(e schemas.Expansion) bool { return e.ExpansionID == segment && e.State != schemas.StateDeleted }) {
			want.Derived = append(want.Derived, segment)
		} else {
			want.Segments = append(want.Segments, segment)
		}
	}
	store, err := p.cache(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	view, err := store.Scan(ctx, shard, want)
	if err == nil && view.Model() == nil {
		err = fmt.Errorf("shard %d has not read the model yet: %w", shard, cache.ErrNotReady)
	}
	if errors.Is(err, cache.ErrNotReady) {
		return nil, hint(err, "again in a moment; is kindred serve running?")
	}
	if err != nil {
		return nil, err
	}
	p.tellAge(view.Meta.SavedAt)
	return view, nil
}

// explain applies the rule of membership to the customer's row, and says what decides.
func (e *explanation) explain(view *cache.View, m *model.Model, report *schemas.Report) {
	row, known := view.Find([]byte(e.CustomerID))
	if !known {
		e.say(unknownCustomer, "nothing is known of the customer, neither a profile nor a segment")
		return
	}
	e.Member = view.Published(e.ExpansionID).Has(row)
	bytes := view.Row(row)
	s, suppressedBy := standing(view, row, &m.Definition)
	switch {
	case !s.Profile:
		e.say(noProfile, "the customer has no profile")
		return
	case !s.Consents:
		e.say(noConsent, "the customer does not consent to profiling")
		return
	}
	table := model.NewTable(m)
	table.Fold(view.Fields)
	scored := table.Score(bytes)
	e.Score, e.Band = new(score(scored)), schemas.BandNames[m.Band(scored)]
	say := words{m, report}
	e.Reasons = say.reasons(table.Beside(bytes, sampled(view)))
	switch {
	case m.Eligible(s) && m.Reaches(scored, e.ExpansionID, []byte(e.CustomerID)):
		e.say("", "the score reaches the cut")
		return
	case !s.Candidate && m.Definition.Candidates.SegmentID != "":
		e.say(notCandidate, "the customer is not in "+m.Definition.Candidates.SegmentID+", whose members alone can be members")
	case s.Source && m.Definition.ExcludeSource:
		e.say(inSource, "the customer is in the source, "+m.Definition.SourceSegmentID)
	case s.Suppressed:
		e.say(isSuppressed, "the customer is in "+suppressedBy+", whose members are never members")
	default:
		e.sayBelow(m, scored)
		e.WouldBring = say.bringing(table, bytes, e.ExpansionID, e.CustomerID)
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
func (e *explanation) sayBelow(m *model.Model, scored int) {
	switch {
	case *e.Score < e.Floor:
		e.say(belowFloor, "the score is below the floor")
	case m.Cut == model.Nobody():
		e.say(belowCut, "nobody was similar enough when the cut was found, so nobody is a member until a run finds another")
	case scored == m.Cut.Score:
		e.say(lostTie, "the score is that of the cut, and of those who have it the tie took others")
	default:
		e.say(belowCut, "the score is below the cut")
	}
}

// say notes why the customer is no member, empty if the model makes it one, beside what is published.
func (e *explanation) say(reason, sentence string) {
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

// score returns ten-thousandths as a score from 0 to 1.
func score(tenThousandths int) float64 { return float64(tenThousandths) / model.Best }
