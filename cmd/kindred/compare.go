package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/pipeline/cache"
	"kindred/schemas"
)

func (p *program) compare() *cobra.Command {
	return &cobra.Command{
		Use:   "compare ID1 ID2",
		Short: "Compare two expansions: who is in both, and what differs in fields and definition",
		Long: "Compare two expansions: how many are members of both or of one only, by band, as published now; which fields were used by\n" +
			"only one of them, or count more in one, and which combinations of them; and what differs in their definitions.",
		Example: "  kindred compare vip-expansion vip-strict",
		Args:    named("ID1", "ID2"),
		RunE: func(command *cobra.Command, arguments []string) error {
			for _, id := range arguments {
				if err := canBeExpansion(command, id); err != nil {
					return err
				}
			}
			if arguments[0] == arguments[1] {
				return usage("ID1 and ID2 are the same", command.CommandPath()+" --help")
			}
			found, err := p.comparison(command.Context(), [2]string(arguments))
			if err != nil {
				return err
			}
			return p.print(found, func() { found.draw(p.out) })
		},
	}
}

// comparison is what `compare` prints.
type comparison struct {
	First      compared             `json:"first"`
	Second     compared             `json:"second"`
	Both       int64                `json:"both"`       // members of both
	OnlyFirst  int64                `json:"onlyFirst"`  // members of the first only
	OnlySecond int64                `json:"onlySecond"` // members of the second only
	Bands      []comparedBand       `json:"bands"`
	Fields     []comparedField      `json:"fields"`     // by name: those that a run of either used
	Crosses    []comparedCross      `json:"crosses"`    // those that a run of either has learned, the most influential first
	Definition []comparedDefinition `json:"definition"` // by property: what differs
}

type compared struct {
	ExpansionID string `json:"expansionId"`
	Name        string `json:"name"`
	Members     int64  `json:"members"`
	HeldOut     int64  `json:"heldOut,omitempty"` // after the last run
}

// comparedBand counts those of a band: by the band that they have in the first, or in the second.
type comparedBand struct {
	Band       string `json:"band"`
	OnlyFirst  int64  `json:"onlyFirst"`
	BothFirst  int64  `json:"bothFirst"`
	BothSecond int64  `json:"bothSecond"`
	OnlySecond int64  `json:"onlySecond"`
}

// comparedField is the influence of a field in the last runs; null: it was not used.
type comparedField struct {
	Name   string   `json:"name"`
	First  *float64 `json:"first"`
	Second *float64 `json:"second"`
}

// comparedCross is what the same fields say only together, in the last runs; null: nothing.
type comparedCross struct {
	Fields []string             `json:"fields"`
	First  *schemas.CrossReport `json:"first"`
	Second *schemas.CrossReport `json:"second"`
}

// comparedDefinition is a property with its values as JSON; null: it has none.
type comparedDefinition struct {
	Property string          `json:"property"`
	First    json.RawMessage `json:"first"`
	Second   json.RawMessage `json:"second"`
}

func (p *program) comparison(ctx context.Context, ids [2]string) (*comparison, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	facts, close, err := p.facts(ctx, c, schemas.Expansions)
	if err != nil {
		return nil, err
	}
	defer close()
	var of [2]*schemas.Expansion
	for i, id := range ids {
		if of[i], err = facts.Committed(id); err != nil {
			return nil, err
		}
	}
	found := &comparison{
		First: inComparison(of[0]), Second: inComparison(of[1]),
		Fields: fieldsOfBoth(of[0].Report, of[1].Report), Crosses: crossesOfBoth(of[0].Report, of[1].Report),
		Bands: make([]comparedBand, len(schemas.BandNames)),
	}
	for i, band := range schemas.BandNames {
		found.Bands[i].Band = band
	}
	if found.Definition, err = definitionsDiffer(of[0].Definition, of[1].Definition); err != nil {
		return nil, err
	}
	return found, p.countMembers(ctx, facts, ids, found)
}

func inComparison(e *schemas.Expansion) compared {
	c := compared{ExpansionID: e.ExpansionID, Name: e.Name}
	if e.Report != nil {
		c.HeldOut = e.Report.Counts.HeldOut
	}
	return c
}

// countMembers goes through the members of both, as they are published, shard after shard.
func (p *program) countMembers(ctx context.Context, facts *reading.Facts, ids [2]string, found *comparison) error {
	var view *cache.View
	oldest := time.Now()
	for shard := range facts.Shards {
		var err error
		view, err = facts.Cache.Scan(ctx, shard, cache.Want{Expansions: ids[:], Into: view})
		if errors.Is(err, cache.ErrNotReady) {
			return hint(err, "again in a moment; is kindred serve running?")
		}
		if err != nil {
			return err
		}
		if saved := time.UnixMilli(view.Meta.SavedAt); saved.Before(oldest) {
			oldest = saved
		}
		first, second := view.Published(ids[0]), view.Published(ids[1])
		for row := range view.NumRows {
			found.count(first.Get(row), second.Get(row))
		}
	}
	p.tellAge(oldest)
	return nil
}

// count takes in the states of one customer.
func (c *comparison) count(first, second cache.State) {
	in, also := first.Member(), second.Member()
	if in {
		c.First.Members++
	}
	if also {
		c.Second.Members++
	}
	switch {
	case in && also:
		c.Both++
		c.Bands[first.Band()].BothFirst++
		c.Bands[second.Band()].BothSecond++
	case in:
		c.OnlyFirst++
		c.Bands[first.Band()].OnlyFirst++
	case also:
		c.OnlySecond++
		c.Bands[second.Band()].OnlySecond++
	}
}

// fieldsOfBoth returns the fields that a run of either used.
func fieldsOfBoth(first, second *schemas.Report) []comparedField {
	byName := map[string]*comparedField{}
	take := func(report *schemas.Report, into func(*comparedField) **float64) {
		if report == nil {
			return
		}
		for _, f := range report.Fields {
			if f.Used {
				if byName[f.Name] == nil {
					byName[f.Name] = &comparedField{Name: f.Name}
				}
				*into(byName[f.Name]) = new(f.Influence)
			}
		}
	}
	take(first, func(f *comparedField) **float64 { return &f.First })
	take(second, func(f *comparedField) **float64 { return &f.Second })
	fields := make([]comparedField, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		fields = append(fields, *byName[name])
	}
	return fields
}

// crossesOfBoth returns the crosses that a run of either has learned.
func crossesOfBoth(first, second *schemas.Report) []comparedCross {
	crosses := []comparedCross{}
	take := func(report *schemas.Report, into func(*comparedCross) **schemas.CrossReport) {
		if report == nil {
			return
		}
		for _, c := range report.Crosses {
			at := slices.IndexFunc(crosses, func(there comparedCross) bool { return slices.Equal(there.Fields, c.Fields) })
			if at < 0 {
				at = len(crosses)
				crosses = append(crosses, comparedCross{Fields: c.Fields})
			}
			*into(&crosses[at]) = &c
		}
	}
	take(first, func(c *comparedCross) **schemas.CrossReport { return &c.First })
	take(second, func(c *comparedCross) **schemas.CrossReport { return &c.Second })
	most := func(c comparedCross) (influence float64) {
		for _, of := range []*schemas.CrossReport{c.First, c.Second} {
			if of != nil {
				influence = max(influence, of.Influence)
			}
		}
		return influence
	}
	slices.SortStableFunc(crosses, func(a, b comparedCross) int { return cmp.Compare(most(b), most(a)) })
	return crosses
}

// definitionsDiffer compares two definitions, property by property.
func definitionsDiffer(first, second *schemas.Definition) ([]comparedDefinition, error) {
	var properties [2]map[string]json.RawMessage
	for i, d := range []*schemas.Definition{first, second} {
		text, err := json.Marshal(d)
		if err == nil {
			err = json.Unmarshal(text, &properties[i])
		}
		if err != nil {
			return nil, fmt.Errorf("compare definitions: %w", err)
		}
	}
	all := maps.Clone(properties[0])
	maps.Copy(all, properties[1])
	differ := []comparedDefinition{}
	for _, property := range slices.Sorted(maps.Keys(all)) {
		if a, b := properties[0][property], properties[1][property]; !bytes.Equal(a, b) {
			differ = append(differ, comparedDefinition{property, a, b})
		}
	}
	return differ, nil
}

func (c *comparison) draw(screen terminal.Screen) {
	screen.Heading(c.First.Name, c.First.ExpansionID)
	screen.Heading(c.Second.Name, c.Second.ExpansionID)
	screen.Line("")
	words := fmt.Sprintf("%s in the first, %s in the second; %s in both", terminal.Count(c.First.Members, "member"),
		terminal.Count(c.Second.Members, "member"), terminal.Number(c.Both))
	if fewer := min(c.First.Members, c.Second.Members); fewer > 0 {
		words += fmt.Sprintf(", %s of the smaller", terminal.Percent(float64(c.Both)/float64(fewer)))
	}
	screen.Say(words + ".")
	if c.First.HeldOut+c.Second.HeldOut > 0 {
		screen.Say(fmt.Sprintf("After their last runs %s were held out of the first, %s of the second: those are no members there, and may be of the other.",
			terminal.Number(c.First.HeldOut), terminal.Number(c.Second.HeldOut)))
	}
	screen.Title("Members", "those in both by their band in the first, and in the second")
	var rows [][]string
	for _, b := range slices.Backward(c.Bands) {
		rows = append(rows, []string{b.Band, terminal.Number(b.OnlyFirst), terminal.Number(b.BothFirst), terminal.Number(b.BothSecond), terminal.Number(b.OnlySecond)})
	}
	rows = append(rows, []string{"all", terminal.Number(c.OnlyFirst), terminal.Number(c.Both), terminal.Number(c.Both), terminal.Number(c.OnlySecond)})
	screen.Table([]string{"band", "#only first", "#both, first", "#both, second", "#only second"}, rows)
	if len(c.Fields) > 0 {
		screen.Title("Fields", "their influence")
		rows = nil
		for _, f := range c.Fields {
			rows = append(rows, []string{f.Name, influence(f.First), influence(f.Second)})
		}
		screen.Table([]string{"field", "#first", "#second"}, rows)
	}
	if len(c.Crosses) > 0 {
		screen.Title("What only shows together", "the influence of combinations")
		for i := range c.Crosses {
			c.Crosses[i].draw(screen)
		}
	}
	screen.Title("Definition", "")
	if len(c.Definition) == 0 {
		screen.Say("There is no difference.")
	} else {
		rows = nil
		for _, d := range c.Definition {
			rows = append(rows, []string{d.Property, orDash(d.First), orDash(d.Second)})
		}
		screen.Table([]string{"property", "first", "second"}, rows)
	}
	screen.Line("")
}

func influence(of *float64) string {
	if of == nil {
		return "not used"
	}
	return terminal.Percent(*of)
}

// draw says what a combination counts for in both, and whom it speaks for most.
func (c *comparedCross) draw(screen terminal.Screen) {
	of := func(cross *schemas.CrossReport) string {
		if cross == nil {
			return "not used"
		}
		text := terminal.Percent(cross.Influence)
		if len(cross.For) > 0 {
			text += fmt.Sprintf(", for %s %s", cross.For[0].Value, terminal.Odds(cross.For[0].Lift))
		}
		return text
	}
	screen.Say(strings.Join(c.Fields, ", "))
	screen.Indented(4, "first: "+of(c.First))
	screen.Indented(4, "second: "+of(c.Second))
}

func orDash(value json.RawMessage) string {
	if value == nil {
		return "-"
	}
	return string(value)
}
