package consumers

import (
	"context"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// Where a partition begins or ends, in the words of ListOffsets.
const (
	latest   = -1
	earliest = -2
)

const (
	uncommitted = 0
	committed   = 1
)

// Ends tells where partitions end for a reader of committed records: at the first offset of an open transaction, else
// behind the last record. Keys are topic and partition. What can heal is tried again until ctx ends.
func Ends(ctx context.Context, c *broker.Cluster, topics map[string][]int) (map[string]map[int]int64, error) {
	return offsetsOf(ctx, c, topics, latest)
}

// Starts tells where partitions begin: the first offset that is still there, else the next one to be written.
func Starts(ctx context.Context, c *broker.Cluster, topics map[string][]int) (map[string]map[int]int64, error) {
	return offsetsOf(ctx, c, topics, earliest)
}

// Ends is like the function, in the order asked; the positions' offsets do not matter.
func (f *Fetcher) Ends(ctx context.Context, of []Position) ([]int64, error) {
	return listPersistently(ctx, f.Cluster, of, latest, committed)
}

// Starts is like the function, in the order asked; the positions' offsets do not matter.
func (f *Fetcher) Starts(ctx context.Context, of []Position) ([]int64, error) {
	return listPersistently(ctx, f.Cluster, of, earliest, committed)
}

func offsetsOf(ctx context.Context, c *broker.Cluster, topics map[string][]int, at int64) (map[string]map[int]int64, error) {
	var of []Position
	for topic, partitions := range topics {
		for _, p := range partitions {
			of = append(of, Position{Topic: topic, Partition: p})
		}
	}
	sortPositions(of) // a map has no order, and errors should name the same partition each time
	found, err := listPersistently(ctx, c, of, at, committed)
	if err != nil {
		return nil, err
	}
	offsets := make(map[string]map[int]int64, len(topics))
	for i, p := range of {
		if offsets[p.Topic] == nil {
			offsets[p.Topic] = make(map[int]int64)
		}
		offsets[p.Topic][p.Partition] = found[i]
	}
	return offsets, nil
}

func listPersistently(ctx context.Context, c *broker.Cluster, of []Position, at int64, isolation int8) (found []int64, err error) {
	err = c.Persist(ctx, "list offsets", broker.Asking{}, func(ctx context.Context) error {
		found, err = listOffsets(ctx, c, of, at, isolation)
		return err
	})
	return found, err
}

// listOffsets asks each leader once. Answers come in any order and are put into the order of the question.
func listOffsets(ctx context.Context, c *broker.Cluster, of []Position, at int64, isolation int8) ([]int64, error) {
	layout, err := c.Layout(ctx)
	if err != nil {
		return nil, err
	}
	shares, err := byLeader(layout, of)
	if err != nil {
		return nil, err
	}
	found := make([]int64, len(of))
	for i := range found {
		found[i] = -1
	}
	for _, s := range shares {
		asked := &toBroker{request: request{key: protocol.ListOffsets, frame: listOffsetsFrame(s.from, at, isolation)}, broker: s.leader}
		body, err := exchange(ctx, c, asked, broker.Patience)
		if err != nil {
			return nil, err
		}
		if err := readListOffsets(body, of, found); err != nil {
			return nil, err
		}
	}
	for i, offset := range found {
		if offset < 0 {
			return nil, fmt.Errorf("no offset of %s partition %d came back", of[i].Topic, of[i].Partition)
		}
	}
	return found, nil
}

func listOffsetsFrame(of []Position, at int64, isolation int8) []byte {
	e := begin(protocol.ListOffsets, 2)
	e.i32(-1) // not a replica
	e.i8(isolation)
	e.eachTopic(of, func(p Position) {
		e.i32(int32(p.Partition))
		e.i64(at)
	})
	return e.finish()
}

func readListOffsets(body []byte, of []Position, found []int64) error {
	b := wire.Body{Rest: body}
	b.Int32() // throttled for
	for topics := b.Count(); topics > 0; topics-- {
		topic := b.Text()
		for partitions := b.Count(); partitions > 0; partitions-- {
			partition, code := int(b.Int32()), b.Int16()
			b.Int64() // timestamp
			offset := b.Int64()
			if code != 0 {
				return fmt.Errorf("list offsets of %s partition %d: %w", topic, partition, kafka.Error(code))
			}
			for i, p := range of { // more than one when a partition was asked for twice
				if p.Partition == partition && p.Topic == string(topic) {
					found[i] = offset
				}
			}
		}
	}
	return b.Err()
}

// eachTopic writes the array of topics with their partitions that so many requests have. Positions must lie so that
// those of a topic are together.
func (e *encoder) eachTopic(of []Position, partition func(Position)) {
	topics := 0
	for i, p := range of {
		if i == 0 || p.Topic != of[i-1].Topic {
			topics++
		}
	}
	e.i32(int32(topics))
	for len(of) > 0 {
		n := 1
		for n < len(of) && of[n].Topic == of[0].Topic {
			n++
		}
		e.str(of[0].Topic)
		e.i32(int32(n))
		for _, p := range of[:n] {
			partition(p)
		}
		of = of[n:]
	}
}

// share is what one broker leads of a list of positions.
type share struct {
	leader int32
	from   []Position // those of a topic together, none twice
}

// byLeader divides positions among brokers, in the order of the brokers' numbers. err names what has no leader; the
// shares are right for the rest.
func byLeader(layout broker.Layout, of []Position) (shares []share, err error) {
	for _, p := range of {
		leader, lost := layout.Leader(p.Topic, p.Partition)
		if lost != nil {
			err = lost
			continue
		}
		i := slices.IndexFunc(shares, func(s share) bool { return s.leader == leader.ID })
		if i < 0 {
			shares = append(shares, share{leader: leader.ID})
			i = len(shares) - 1
		}
		shares[i].add(p)
	}
	slices.SortFunc(shares, func(a, b share) int { return int(a.leader - b.leader) })
	return shares, err
}

// add keeps the order of the caller as far as a topic's partitions must be together. Brokers refuse a partition twice.
func (s *share) add(p Position) {
	at := len(s.from)
	for i := len(s.from) - 1; i >= 0; i-- {
		if s.from[i].Topic != p.Topic {
			continue
		}
		if s.from[i].Partition == p.Partition {
			return
		}
		if at == len(s.from) {
			at = i + 1
		}
	}
	s.from = slices.Insert(s.from, at, p)
}

func sortPositions(of []Position) {
	slices.SortFunc(of, func(a, b Position) int {
		if a.Topic != b.Topic {
			if a.Topic < b.Topic {
				return -1
			}
			return 1
		}
		return a.Partition - b.Partition
	})
}
