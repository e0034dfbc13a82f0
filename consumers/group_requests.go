package consumers

import (
	"context"
	"errors"
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

// memberIDRequired is the code with which Kafka gives a new member its id: only a second join makes the group wait for it.
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
	// By this version a static leader that comes back is not told that it leads. It need not know: the group has its plan.
	e := begin(protocol.JoinGroup, 5)
	e.str(m.ID)
	e.i32(int32(m.sessionTimeout().Milliseconds()))
	e.i32(int32(m.rebalanceTimeout().Milliseconds()))
	e.str(m.id)
	e.nullable(m.instance())
	e.str(protocolType)
	e.i32(1)
	e.str(protocolName)
	e.bytes(subscription(m.Topics, m.held))
	m.unanswered = true
	body, err := m.ask(ctx, e, protocol.JoinGroup, m.rebalanceTimeout()+m.sessionTimeout()+broker.Patience)
	if err != nil {
		return j, 0, err
	}
	m.unanswered = false
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

// subscription returns what Kafka's own consumers send when they join, so that Kafka's tools can read it. The claim is in
// the bytes that it leaves to the user.
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

// userData returns the bytes of a subscription that Kafka leaves to the user.
func userData(subscription []byte) []byte {
	b := wire.Body{Rest: subscription}
	b.Int16()
	for n := b.Count(); n > 0; n-- {
		b.Text()
	}
	return b.Bytes()
}

// syncGroup sends the plan, which only the leader has, and returns this member's part of it.
func (m *member) syncGroup(ctx context.Context, j joined, plan map[string][]int) ([]int, error) {
	layout, err := m.Cluster.Layout(ctx)
	if err != nil {
		return nil, err
	}
	e := begin(protocol.SyncGroup, 3)
	e.str(m.ID)
	e.i32(j.generation)
	e.str(j.member)
	e.nullable(m.instance())
	e.i32(int32(len(plan)))
	for id, shards := range plan {
		e.str(id)
		e.bytes(m.assignment(layout, shards))
	}
	body, err := m.ask(ctx, e, protocol.SyncGroup, m.rebalanceTimeout()+broker.Patience)
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

// assignment returns the partitions of every topic that belong to some shards, in the form that Kafka's own consumers use.
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

// assigned returns the partition numbers of an assignment, each once, whatever topics they are of.
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

// sendHeartbeat keeps the member in its group. It works after ctx has ended too, since work may take a while to end.
func (m *member) sendHeartbeat(ctx context.Context, gen *Generation) error {
	e := begin(protocol.Heartbeat, 3)
	e.str(m.ID)
	e.i32(gen.ID)
	e.str(gen.MemberID)
	e.nullable(m.instance())
	body, err := m.ask(context.WithoutCancel(ctx), e, protocol.Heartbeat, min(broker.Patience, m.sessionTimeout()/3))
	if err != nil {
		return err
	}
	body.Int32() // throttled for
	if code := body.Int16(); code != 0 {
		return kafka.Error(code)
	}
	return body.Err()
}

// endsGeneration reports whether the error of a heartbeat ends the generation. Else the coordinator is away for a moment.
func endsGeneration(err error) bool {
	return errors.Is(err, kafka.RebalanceInProgress) || broker.IsFenced(err) || broker.IsRefused(err)
}

// leave takes the member out of the group, so that the others need not wait for its session to end. It works after ctx has
// ended, for a short time.
func (m *member) leave(ctx context.Context) {
	// A static member whose first join has no answer yet is in the group under an id that it does not know.
	byName := m.id == "" && m.Static && m.unanswered
	if m.id == "" && !byName {
		return
	}
	if err := m.leaveGroup(context.WithoutCancel(ctx)); err != nil {
		m.Cluster.Logger().Info("could not leave the group, its session will end", "group", m.ID, "error", err)
	}
}

// leaveGroup leaves by id and name: Kafka then refuses a member that has a successor of the same name. Without an id, whoever
// has the name is taken out.
func (m *member) leaveGroup(ctx context.Context) error {
	e := begin(protocol.LeaveGroup, 3)
	e.str(m.ID)
	e.i32(1)
	e.str(m.id)
	e.nullable(m.instance())
	body, err := m.ask(ctx, e, protocol.LeaveGroup, leaveTimeout)
	if err != nil {
		return err
	}
	body.Int32() // throttled for
	code := body.Int16()
	for n := body.Count(); n > 0; n-- {
		body.Text() // id
		body.Text() // name
		if of := body.Int16(); of != 0 {
			code = of
		}
	}
	if code != 0 {
		return kafka.Error(code)
	}
	return body.Err()
}

func (m *member) ask(ctx context.Context, e *encoder, key protocol.ApiKey, within time.Duration) (*wire.Body, error) {
	return askCoordinator(ctx, m.Cluster, m.ID, e, key, within)
}
