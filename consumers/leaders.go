package consumers

import (
	"slices"

	"kindred/schemas/broker"
)

// share is what one broker leads of a list of positions.
type share struct {
	leader int32
	from   []Position // those of a topic next to each other, no partition twice
	rests  bool       // it has brought nothing for long
}

// byLeader divides positions among brokers, in the order of the brokers' numbers. err names one that has no leader; the
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

// add keeps the caller's order, except that the partitions of a topic stay together. A partition that is there already is
// left out: brokers refuse requests that name one twice.
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
