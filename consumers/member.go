package consumers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kindred/schemas/broker"

	"github.com/segmentio/kafka-go"
)

const (
	defaultSession   = 10 * time.Second
	defaultHeartbeat = 500 * time.Millisecond
	defaultRebalance = 30 * time.Second

	protocolType = "consumer" // so that Kafka's own tools can show the group
	protocolName = "kindred"

	farewell = 2 * time.Second // to leave the group; without it the others wait for the session to end
)

// member is a Group's life: what it is called and what it holds from one generation to the next.
type member struct {
	*Group
	id   string // given by Kafka; empty: not yet
	held claim
}

func (m *member) session() time.Duration   { return orTime(m.Session, defaultSession) }
func (m *member) heartbeat() time.Duration { return orTime(m.Heartbeat, defaultHeartbeat) }
func (m *member) rebalance() time.Duration { return orTime(m.Rebalance, defaultRebalance) }

func orTime(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// join waits until the group has settled and tells what this member is to do in it.
func (m *member) join(ctx context.Context) (*Generation, error) {
	shards, err := m.shards(ctx)
	if err != nil {
		return nil, err
	}
	joined, err := m.joinGroup(ctx)
	if err != nil {
		return nil, m.explain("join", err)
	}
	m.id = joined.member
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
	return &Generation{ID: joined.generation, MemberID: m.id, GroupID: m.ID, Shards: mine, of: shards, cluster: m.Cluster}, nil
}

// shards counts them: the topics' partitions.
func (m *member) shards(ctx context.Context) (int, error) {
	layout, err := m.Cluster.Layout(ctx)
	if err != nil {
		return 0, fmt.Errorf("group %s: %w", m.ID, err)
	}
	return countShards(layout, m.Topics, m.Whole)
}

func countShards(layout broker.Layout, topics []string, whole bool) (int, error) {
	shards := 0
	for i, topic := range topics {
		n := len(layout.Topics[topic].Partitions)
		if n == 0 {
			return 0, fmt.Errorf("topic %s: %w", topic, kafka.UnknownTopicOrPartition)
		}
		if i > 0 && n != shards && !whole {
			return 0, fmt.Errorf("topic %s has %d partitions and %s has %d: the shards of a group need as many of each",
				topic, n, topics[0], shards)
		}
		shards = max(shards, n)
	}
	return shards, nil
}

// explain says what Kafka's refusal was about. A member whose id Kafka does not know any more asks for a new one.
func (m *member) explain(doing string, err error) error {
	if errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.FencedInstanceID) {
		m.id = ""
	}
	return fmt.Errorf("%s group %s: %w", doing, m.ID, err)
}

// live runs work until it or the generation ends. over says that Run is over too.
func (m *member) live(ctx context.Context, gen *Generation, work func(context.Context, *Generation) error) (over bool, err error) {
	working, end := context.WithCancel(ctx)
	defer end()
	done := make(chan error, 1)
	if len(gen.Shards) > 0 {
		go func() { done <- work(working, gen) }()
	} else {
		go func() { <-working.Done(); done <- nil }() // stand by
	}
	beats := time.NewTicker(m.heartbeat())
	defer beats.Stop()
	alive := time.Now()
	for {
		select {
		case err := <-done:
			if working.Err() != nil || errors.Is(err, ErrFenced) {
				return false, nil
			}
			return true, err
		case <-beats.C:
		}
		err := m.beat(ctx, gen)
		switch {
		case err == nil:
			alive = time.Now()
		case !endsGeneration(err) && time.Since(alive) < m.session():
			continue // the coordinator is away for a moment
		default:
			if working.Err() == nil {
				m.Cluster.Logger().Info("the group changes", "group", m.ID, "generation", gen.ID, "reason", err)
			}
			end()
			continue
		}
		if m.outgrown(ctx, gen) {
			end()
		}
	}
}
