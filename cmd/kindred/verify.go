package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/pipeline/oracle"
	"kindred/schemas"
	"kindred/schemas/wire"
)

func (p *program) verify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [ID]",
		Short: "Work out all memberships from the topics, without Redis, and compare them with those published",
		Long: "Work out who must be a member, with which score and band, from profiles, segment-members and models alone, by another program\n" +
			"than the one that publishes, and compare that with what a consumer of memberships has: of all expansions, or of one. It\n" +
			"exits with 1 when anything differs. Inputs must be at rest: what came in the last second may not be published yet.\n\n" +
			"It reads these topics from the start, a shard a core at a time: a million customers take some seconds.",
		Example: "  kindred verify\n  kindred verify vip-expansion --json",
		Args:    atMostOne("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			id, err := expansionOrAll(command, arguments)
			if err != nil {
				return err
			}
			found, err := p.verifyAll(command.Context(), id)
			if err != nil {
				return err
			}
			if err := p.print(found, func() { found.draw(p.out) }); err != nil {
				return err
			}
			if found.Differ > 0 || found.Changes != nil && found.Changes.Differ > 0 {
				return errReported
			}
			return nil
		},
	}
}

// verification is what `verify` prints.
type verification struct {
	Memberships int64         `json:"memberships"` // that there should be, or are
	Differ      int64         `json:"differ"`
	Missing     int64         `json:"missing"`  // of those who differ: should be members, and are not published
	Surplus     int64         `json:"surplus"`  // are published, and should not be members
	Examples    []wrongMember `json:"examples"` // at most mostExamples

	Changes *toldMembers `json:"changes"` // by membership-changes; nil: it is not written
}

// wrongMember is one membership that is not as it should be.
type wrongMember struct {
	ExpansionID string `json:"expansionId"`
	CustomerID  string `json:"customerId"`
	Should      string `json:"should"` // in words: score and band, or no member
	Is          string `json:"is"`
}

const mostExamples = 10

// unreadable is the place of who is published by a record that cannot be read.
var unreadable = oracle.Place{Score: -1}

// verifyAll verifies shard after shard: all that decides on a customer is in one partition of each topic.
func (p *program) verifyAll(ctx context.Context, id string) (*verification, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if id != "" {
		if _, err := c.expansion(ctx, id); err != nil {
			return nil, err
		}
	}
	shards, err := c.partitions(ctx, schemas.Profiles)
	if err != nil {
		return nil, err
	}
	agreed, err := readAgreement(ctx, c.fetcher, c.prefix)
	if err != nil {
		return nil, err
	}
	flat := agreed != nil && agreed.Flat
	found := &verification{Examples: []wrongMember{}}
	if agreed != nil && agreed.Changes != "" {
		found.Changes = &toldMembers{Examples: []wrongMember{}}
	}
	var mutex sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for shard := range shards {
		group.Go(func() error {
			judge := &oracle.Oracle{Shards: shards, Partitioner: p.settings.Partitioner, Flat: flat}
			should, is, err := c.verifyShard(ctx, judge, shard)
			if err != nil {
				return err
			}
			var said *told
			if found.Changes != nil {
				if said, err = c.readTold(ctx, shard); err != nil {
					return err
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			found.compare(should, is, id)
			if said != nil {
				found.Changes.compare(said, is, id)
			}
			return nil
		})
	}
	err = group.Wait()
	return found, err
}

// verifyShard returns the memberships that a shard should have published, and those that it has, by expansion + "/" + customer.
func (c *connection) verifyShard(ctx context.Context, judge *oracle.Oracle, shard int) (should, is map[string]oracle.Place, err error) {
	for _, name := range []string{schemas.Models, schemas.SegmentMembers, schemas.Profiles} {
		err := wire.ReadPartition(ctx, c.fetcher, c.prefix.Topic(name), shard, func(r *wire.Record) error {
			_ = judge.Apply(name, shard, r) // a record that cannot be read has no effect
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	is = map[string]oracle.Place{}
	err = wire.ReadPartition(ctx, c.fetcher, c.prefix.Topic(schemas.Memberships), shard, func(r *wire.Record) error {
		if r.Value == nil {
			delete(is, string(r.Key))
			return nil
		}
		score, band, _, _, err := schemas.ReadMembership(r.Value)
		place := oracle.Place{Score: score, Band: band}
		if err != nil {
			place = unreadable
		}
		is[string(r.Key)] = place
		return nil
	})
	return judge.Memberships(), is, err
}

// compare takes in the memberships of a shard: of one expansion, or of all where the id is empty.
func (v *verification) compare(should, is map[string]oracle.Place, id string) {
	all := maps.Clone(should)
	maps.Copy(all, is)
	for key := range all {
		expansion, customer, _ := strings.Cut(key, "/")
		if id != "" && expansion != id {
			continue
		}
		v.Memberships++
		want, member := should[key]
		got, published := is[key]
		if member == published && want == got {
			continue
		}
		v.Differ++
		if !published {
			v.Missing++
		}
		if !member {
			v.Surplus++
		}
		v.Examples = append(v.Examples, wrongMember{expansion, customer, inWords(want, member), inWords(got, published)})
	}
	v.Examples = firstFew(v.Examples)
}

// firstFew returns the first of those who differ, by expansion and customer.
func firstFew(all []wrongMember) []wrongMember {
	slices.SortFunc(all, func(a, b wrongMember) int {
		return cmp.Or(strings.Compare(a.ExpansionID, b.ExpansionID), strings.Compare(a.CustomerID, b.CustomerID))
	})
	return all[:min(len(all), mostExamples)]
}

func inWords(place oracle.Place, member bool) string {
	switch {
	case !member:
		return "no member"
	case place == unreadable:
		return "a record that cannot be read"
	}
	return fmt.Sprintf("%.4f, %s", reading.Score(place.Score), schemas.BandNames[place.Band])
}

func drawWrong(screen terminal.Screen, examples []wrongMember) {
	var rows [][]string
	for _, d := range examples {
		rows = append(rows, []string{d.ExpansionID, d.CustomerID, d.Should, d.Is})
	}
	screen.Table([]string{"expansion", "customer", "should be", "is"}, rows)
}

func (v *verification) draw(screen terminal.Screen) {
	screen.Line("%s of %s differ", terminal.Number(v.Differ), terminal.Number(v.Memberships))
	if v.Changes != nil {
		defer v.Changes.draw(screen)
	}
	if v.Differ == 0 {
		return
	}
	screen.Say(fmt.Sprintf("%s missing, %s published who should be none, %s with another score or band.", terminal.Number(v.Missing),
		terminal.Number(v.Surplus), terminal.Number(v.Differ-v.Missing-v.Surplus)))
	drawWrong(screen, v.Examples)
	screen.Say("→ try: kindred verify again when all is at rest; kindred doctor says whether shards are behind")
}
