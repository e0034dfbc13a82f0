package consumers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	defaultSession   = 6 * time.Second
	defaultHeartbeat = 250 * time.Millisecond
	defaultRebalance = 30 * time.Second

	protocolType = "consumer" // so that Kafka's own tools can show the group
	protocolName = "kindred"

	leaveTimeout = 2 * time.Second // to leave the group; who does not is waited for until its session ends
)

// member is a Group while it runs: its id, and what it holds from one generation to the next.
type member struct {
	*Group
	id         string // given by Kafka; empty: not yet
	held       claim
	shards     int  // how many the members share; 0: not known yet
	unanswered bool // a join has been sent, and not answered: Kafka may have given an id
}

// instance returns the name by which Kafka knows a static member; empty: it is none.
func (m *member) instance() string {
	if m.Static {
		return m.Member
	}
	return ""
}

func (m *member) sessionTimeout() time.Duration    { return orDefault(m.Session, defaultSession) }
func (m *member) heartbeatInterval() time.Duration { return orDefault(m.Heartbeat, defaultHeartbeat) }
func (m *member) rebalanceTimeout() time.Duration  { return orDefault(m.Rebalance, defaultRebalance) }

// join waits until the group has settled on its members and returns what this one is given.
func (m *member) join(ctx context.Context) (*Generation, error) {
	shards, err := m.countShards(ctx)
	if err != nil {
		return nil, err
	}
	joined, err := m.joinGroup(ctx)
	if err != nil {
		return nil, m.explain("join", err)
	}
	m.id, m.shards = joined.member, shards
	var plan map[string][]int
	if joined.leader == joined.member {
		plan = assign(joined.members, shards, m.Whole)
	}
	mine, err := m.syncGroup(ctx, joined, plan)
	if err != nil {
		return nil, m.explain("sync", err)
	}
	m.held = claim{Name: m.Member, Generation: joined.generation, Shards: mine}
	m.Cluster.Logger().Info("joined", "group", m.ID, "generation", joined.generation, "shards", mine)
	return &Generation{
		ID: joined.generation, MemberID: m.id, GroupID: m.ID, Instance: m.instance(), Shards: mine, TopicIDs: m.TopicIDs,
		cluster: m.Cluster,
	}, nil
}

// countShards returns how many shards the partitions of the topics make. That is the same for as long as the member lives:
// with more partitions the keys of a topic go elsewhere, and what is in a shard would no longer be what belongs there.
func (m *member) countShards(ctx context.Context) (int, error) {
	layout, err := m.Cluster.Layout(ctx)
	if err != nil {
		return 0, fmt.Errorf("group %s: %w", m.ID, err)
	}
	shards, most := 0, "" // the topic with most partitions
	for i, topic := range m.Topics {
		n := len(layout.Topics[topic].Partitions)
		if n == 0 {
			return 0, fmt.Errorf("topic %s: %w", topic, kafka.UnknownTopicOrPartition)
		}
		if m.shards > 0 && n != m.shards && !m.Whole {
			return 0, fmt.Errorf("topic %s %w, and the group divides %d", topic, partitions(n), m.shards)
		}
		if i > 0 && n != shards && !m.Whole {
			return 0, fmt.Errorf("topic %s %w and %s has %d: the shards of a group need as many of each",
				topic, partitions(n), m.Topics[0], shards)
		}
		if n > shards {
			shards, most = n, topic
		}
	}
	if m.shards > 0 && shards != m.shards {
		return 0, fmt.Errorf("topic %s %w, and the group divides %d", most, partitions(shards), m.shards)
	}
	return shards, nil
}

// partitions is the error that a topic has a number of partitions that cannot be divided.
type partitions int

func (n partitions) Error() string { return fmt.Sprintf("has %d partitions", int(n)) }

// divisible returns an error when the topics no longer have the partitions that the members share. A topic, or a cluster,
// that is not seen for a moment is none.
func (m *member) divisible(ctx context.Context) error {
	_, err := m.countShards(context.WithoutCancel(ctx))
	if _, wrong := errors.AsType[partitions](err); wrong {
		return err
	}
	return nil
}

// explain adds to an error what was being done. A member whose id Kafka does not know any more asks for a new one next. One
// that has a successor must not: it would replace that in turn.
func (m *member) explain(doing string, err error) error {
	if errors.Is(err, kafka.UnknownMemberId) {
		m.id = ""
	}
	if errors.Is(err, kafka.FencedInstanceID) {
		m.id = ""
		return fmt.Errorf("%s group %s as %s: %w (%w)", doing, m.ID, m.Member, ErrReplaced, err)
	}
	if errors.Is(err, kafka.InvalidSessionTimeout) {
		return fmt.Errorf("%s group %s: %w of %v (%w)", doing, m.ID, ErrSession, m.sessionTimeout(), err)
	}
	return fmt.Errorf("%s group %s: %w", doing, m.ID, err)
}

// alive says that Kafka knows the member, and what it holds.
func (m *member) alive(gen *Generation) {
	if m.Alive != nil {
		m.Alive(gen.Shards)
	}
}

// runGeneration runs work until it or the generation ends. It reports as over that Run has to return, with err.
func (m *member) runGeneration(ctx context.Context, gen *Generation, work func(context.Context, *Generation) error) (over bool, err error) {
	working, end := context.WithCancel(ctx)
	defer end()
	done := make(chan error, 1)
	if len(gen.Shards) > 0 {
		go func() { done <- work(working, gen) }()
	} else {
		go func() { <-working.Done(); done <- nil }() // stand by
	}
	m.alive(gen)
	heartbeats := time.NewTicker(m.heartbeatInterval())
	defer heartbeats.Stop()
	answered := time.Now() // the last heartbeat
	for {
		select {
		case err := <-done:
			if working.Err() != nil || errors.Is(err, ErrFenced) {
				return false, nil
			}
			return true, err
		case <-heartbeats.C:
		}
		err := m.sendHeartbeat(ctx, gen)
		switch {
		case err == nil:
			answered = time.Now()
			m.alive(gen)
		case !endsGeneration(err) && time.Since(answered) < m.sessionTimeout():
			continue // the coordinator is away for a moment
		default:
			if working.Err() == nil {
				m.Cluster.Logger().Info("the group changes", "group", m.ID, "generation", gen.ID, "reason", err)
			}
			end()
			continue
		}
		if err := m.divisible(ctx); err != nil && working.Err() == nil {
			m.Cluster.Logger().Error("the group's topics have changed: its work stops", "group", m.ID, "error", err)
			end()
		}
	}
}
