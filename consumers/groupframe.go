package consumers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// joined is the answer to a join: the group has settled on its members.
type joined struct {
	generation     int32
	leader, member string
	members        []candidate // for the leader only
}

// memberIDRequired is how Kafka gives a member its id, before the group waits for it.
const memberIDRequired = 79

func (m *member) joinGroup(ctx context.Context) (joined, error) {
	j, code, err := m.tryJoin(ctx)
	if err == nil && code == memberIDRequired {
		m.id = j.member
		j, code, err = m.tryJoin(ctx)
	}
	if err == nil && code != 0 {
		err = kafka.Error(code)
	}
	return j, err
}

func (m *member) tryJoin(ctx context.Context) (j joined, code int16, err error) {
	e := begin(protocol.JoinGroup, 5)
	e.str(m.ID)
	e.i32(int32(m.session().Milliseconds()))
	e.i32(int32(m.rebalance().Milliseconds()))
	e.str(m.id)
	e.null() // not a static member: Kafka would hold its shards back while it is away
	e.str(protocolType)
	e.i32(1)
	e.str(protocolName)
	e.bytes(subscription(m.Topics, m.held))
	body, err := m.ask(ctx, e, protocol.JoinGroup, m.rebalance()+m.session()+broker.Patience)
	if err != nil {
		return j, 0, err
	}
	body.Int32() // throttled for
	code, j.generation = body.Int16(), body.Int32()
	body.Text() // protocol: there is but one
	j.leader, j.member = string(body.Text()), string(body.Text())
	for n := body.Count(); n > 0; n-- {
		id := string(body.Text())
		body.Text() // static name
		j.members = append(j.members, readClaim(id, userData(body.Bytes())))
	}
	return j, code, body.Err()
}

// subscription is what Kafka's own consumers say when they join, so that its tools can read it.
func subscription(topics []string, c claim) []byte {
	e := new(encoder)
	e.i16(0) // version
	e.i32(int32(len(topics)))
	for _, topic := range topics {
		e.str(topic)
	}
	e.bytes(c.encode())
	return e.b
}

func userData(subscription []byte) []byte {
	b := wire.Body{Rest: subscription}
	b.Int16()
	for n := b.Count(); n > 0; n-- {
		b.Text()
	}
	return b.Bytes()
}

// syncGroup brings the leader's plan to Kafka and this member's part of it back.
func (m *member) syncGroup(ctx context.Context, j joined, plan map[string][]int) ([]int, error) {
	layout, err := m.Cluster.Layout(ctx)
	if err != nil {
		return nil, err
	}
	e := begin(protocol.SyncGroup, 3)
	e.str(m.ID)
	e.i32(j.generation)
	e.str(j.member)
	e.null()
	e.i32(int32(len(plan)))
	for id, shards := range plan {
		e.str(id)
		e.bytes(m.assignment(layout, shards))
	}
	body, err := m.ask(ctx, e, protocol.SyncGroup, m.rebalance()+broker.Patience)
	if err != nil {
		return nil, err
	}
	body.Int32() // throttled for
	if code := body.Int16(); code != 0 {
		return nil, kafka.Error(code)
	}
	mine := assigned(body.Bytes())
	return mine, body.Err()
}

// assignment lists the partitions of every topic, as Kafka's own consumers do.
func (m *member) assignment(layout broker.Layout, shards []int) []byte {
	e := new(encoder)
	e.i16(0) // version
	e.i32(int32(len(m.Topics)))
	for _, topic := range m.Topics {
		there := slices.DeleteFunc(slices.Clone(shards), func(p int) bool { return p >= len(layout.Topics[topic].Partitions) })
		e.str(topic)
		e.i32(int32(len(there)))
		for _, p := range there {
			e.i32(int32(p))
		}
	}
	e.i32(-1) // no data of the user's
	return e.b
}

// assigned gives the partition numbers of an assignment, each once, whatever topics they are of.
func assigned(assignment []byte) []int {
	b := wire.Body{Rest: assignment}
	b.Int16()
	var shards []int
	for topics := b.Count(); topics > 0; topics-- {
		b.Text()
		for n := b.Count(); n > 0; n-- {
			shards = append(shards, int(b.Int32()))
		}
	}
	slices.Sort(shards)
	return slices.Compact(shards)
}

// beat tells Kafka that the member lives. It goes on while ctx has ended, until work has.
func (m *member) beat(ctx context.Context, gen *Generation) error {
	e := begin(protocol.Heartbeat, 3)
	e.str(m.ID)
	e.i32(gen.ID)
	e.str(gen.MemberID)
	e.null()
	body, err := m.ask(context.WithoutCancel(ctx), e, protocol.Heartbeat, min(broker.Patience, m.session()/2))
	if err != nil {
		return err
	}
	body.Int32() // throttled for
	if code := body.Int16(); code != 0 {
		return kafka.Error(code)
	}
	return body.Err()
}

// endsGeneration reports whether the answer to a heartbeat ends the generation. Else the coordinator is just away.
func endsGeneration(err error) bool {
	return errors.Is(err, kafka.RebalanceInProgress) || broker.IsFenced(err) || refused(err)
}

// refused reports whether Kafka will never let the member in.
func refused(err error) bool {
	var code kafka.Error
	return errors.As(err, &code) && broker.Judge(code) == broker.Refused
}

// outgrown says that the topics have more partitions than the generation divides.
func (m *member) outgrown(ctx context.Context, gen *Generation) bool {
	layout, err := m.Cluster.Layout(context.WithoutCancel(ctx))
	if err != nil {
		return false
	}
	shards, err := countShards(layout, m.Topics, m.Whole)
	return err == nil && shards > gen.of
}

// leave tells Kafka that the member has gone, so that nobody waits for it. It works after ctx has ended, but not long.
func (m *member) leave(ctx context.Context) {
	if m.id == "" {
		return
	}
	e := begin(protocol.LeaveGroup, 1)
	e.str(m.ID)
	e.str(m.id)
	if _, err := m.ask(context.WithoutCancel(ctx), e, protocol.LeaveGroup, farewell); err != nil {
		m.Cluster.Logger().Info("left the group without a word", "group", m.ID, "error", err)
	}
}

func (m *member) ask(ctx context.Context, e *encoder, key protocol.ApiKey, within time.Duration) (*wire.Body, error) {
	return askCoordinator(ctx, m.Cluster, m.ID, e, key, within)
}

func askCoordinator(ctx context.Context, c *broker.Cluster, group string, e *encoder, key protocol.ApiKey, within time.Duration) (*wire.Body, error) {
	body, err := exchange(ctx, c, &toCoordinator{request: request{key: key, frame: e.finish()}, group: group}, within)
	if err != nil {
		return nil, fmt.Errorf("ask the coordinator of %s: %w", group, err)
	}
	return &wire.Body{Rest: body}, nil
}
