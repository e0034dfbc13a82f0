package consumers

import (
	"context"
	"errors"
	"time"

	"kindred/schemas/broker"
)

// Group is a member of a Kafka consumer group. The partitions of its topics that have the same number go to the same
// member, which is what makes a shard.
type Group struct {
	Cluster *broker.Cluster
	ID      string   // of the group
	Member  string   // a name that stays the same when the process starts again; decides ties
	Topics  []string // full names; all with the same number of partitions, unless Whole
	Shards  int      // how many shards there are; 0: as many as the topics have partitions when the member joins first
	Whole   bool     // one member gets everything, the others stand by
	Static  bool     // Kafka keeps the member's shards for its Member name, see Run

	// TopicIDs are the ids of topics, by full name, as far as they are known. They are written beside the offsets.
	TopicIDs map[string]string

	// Alive is told what the member holds when it has joined, and with each heartbeat that Kafka takes; nil: nobody is told.
	Alive func(shards []int)

	Session   time.Duration // without a heartbeat, until Kafka gives the shards to others; default 6 s, which most brokers allow
	Heartbeat time.Duration // between heartbeats, by which a member also learns that another has come; default 250 ms
	Rebalance time.Duration // how long Kafka waits for a member whose work takes time to end; default 30 s
}

// ErrReplaced means that a newer process has joined the group under the name of this one, and has its shards now.
var ErrReplaced = errors.New("another process has joined under the same name")

// ErrSession means that the brokers do not allow a session to be so short or so long.
var ErrSession = errors.New("the brokers do not allow this session")

// Run joins the group and calls work with what the member is given, again and again as the group changes, until ctx
// ends or work does. work is called only with at least one shard, and never twice at a time.
//
// work's ctx ends when the group changes, or with ctx; Run then waits for work before it joins again or leaves, and
// keeps the member alive meanwhile, so work may still commit what it has done (with a context of its own). But it
// should be quick: after Rebalance the group goes on without it. An error that work returns after its ctx has ended does
// not count, and ErrFenced never does: the member joins again. Any other return of work ends Run.
//
// A static member is known by its name. When its process is killed, its shards stay with the name until Session is over: the
// process that comes back under it has them at once, and the other members are not disturbed. Of two processes with one
// name the newer wins; Run of the older ends with ErrReplaced, after its work. Run leaves the group when it ends in any other
// way, so an orderly end lets nobody wait.
//
// What keeps the member from joining (no broker, no such topic) is logged and tried again, unless Kafka refuses the member for
// good.
func (g *Group) Run(ctx context.Context, work func(ctx context.Context, gen *Generation) error) error {
	m := &member{Group: g, shards: g.Shards, held: claim{Name: g.Member}}
	defer m.leave(ctx)
	pauses := betweenTries
	var trouble broker.Trouble
	for ctx.Err() == nil {
		gen, err := m.join(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case broker.IsRefused(err), errors.Is(err, ErrReplaced):
			return err
		case err != nil:
			g.Cluster.Complain(&trouble, "join the group", err)
			if broker.Moved(err) {
				g.Cluster.Outdated(ctx)
			}
			_ = pauses.Wait(ctx) // the loop sees when ctx has ended
			continue
		}
		pauses.Reset()
		trouble = broker.Trouble{}
		if over, err := m.runGeneration(ctx, gen, work); over {
			return err
		}
	}
	return nil
}
