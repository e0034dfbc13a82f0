package main

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"kindred/cmd/internal/terminal"
	"kindred/consumers"
	"kindred/pipeline/oracle"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// toldMembers is what `verify` says of membership-changes: whether who applies all changes has the members that are published.
type toldMembers struct {
	Customers int64         `json:"customers"` // of whom there are changes, or should be
	Differ    int64         `json:"differ"`
	Examples  []wrongMember `json:"examples"` // at most mostExamples
}

// told is what the changes of a shard say, by expansion + "/" + customer. Who has left is no member.
type told struct {
	last  map[string]oracle.Place
	left  map[string]bool
	whole bool // nothing of it has been deleted: who is not in it has never been a member
}

// readTold applies all changes of a shard that the topic still has.
func (c *connection) readTold(ctx context.Context, shard int) (*told, error) {
	topic := c.prefix.Topic(schemas.MembershipChanges)
	starts, err := c.fetcher.Starts(ctx, []consumers.Position{{Topic: topic, Partition: shard}})
	if err != nil {
		return nil, fmt.Errorf("find the start of %s: %w", topic, err)
	}
	t := &told{last: map[string]oracle.Place{}, left: map[string]bool{}, whole: starts[0] == 0}
	err = wire.ReadPartition(ctx, c.fetcher, topic, shard, func(r *wire.Record) error {
		key := string(r.Key)
		is, err := schemas.ReadMembershipChange(r.Value)
		delete(t.last, key)
		delete(t.left, key)
		switch {
		case err != nil:
			t.last[key] = unreadable
		case is.Member:
			t.last[key] = oracle.Place{Score: is.Score, Band: is.Band}
		default:
			t.left[key] = true
		}
		return nil
	})
	return t, err
}

// compare takes in a shard's changes and its published memberships: of one expansion, or of all where the id is empty.
func (m *toldMembers) compare(t *told, published map[string]oracle.Place, id string) {
	all := maps.Clone(t.last)
	for key := range t.left {
		all[key] = oracle.Place{}
	}
	if t.whole {
		maps.Copy(all, published)
	}
	for key := range all {
		expansion, customer, _ := strings.Cut(key, "/")
		if id != "" && expansion != id {
			continue
		}
		m.Customers++
		want, member := published[key]
		got, told := t.last[key]
		if member != told || want != got {
			m.Differ++
			m.Examples = append(m.Examples, wrongMember{expansion, customer, inWords(want, member), inWords(got, told)})
		}
	}
	m.Examples = firstFew(m.Examples)
}

func (m *toldMembers) draw(screen terminal.Screen) {
	screen.Line("%s of %s differ in membership-changes", terminal.Number(m.Differ), terminal.Number(m.Customers))
	if m.Differ > 0 {
		drawWrong(screen, m.Examples)
	}
}
