package consumers

import "time"

// rest is how long a partition brings nothing before it is asked for apart from those that do.
const rest = 5 * time.Second

type topicPartition struct {
	topic     string
	partition int
}

// apart divides each share into what brings records and what rests. A request for what rests stays with the broker while others come
// and go, so that these are small: a broker looks into every partition that a request names, and a shard's models and segments
// seldom change.
func (f *Fetcher) apart(shares []share) []share {
	now := time.Now()
	parts := make([]share, 0, 2*len(shares))
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, s := range shares {
		brings, rests := share{leader: s.leader}, share{leader: s.leader, rests: true}
		for _, p := range s.from {
			if f.rests(p, now) {
				rests.from = append(rests.from, p)
			} else {
				brings.from = append(brings.from, p)
			}
		}
		for _, part := range []share{brings, rests} {
			if len(part.from) > 0 {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// rests reports whether a partition has brought nothing for long. One that was never asked for may bring much.
func (f *Fetcher) rests(p Position, now time.Time) bool {
	last, known := f.brought[topicPartition{p.Topic, p.Partition}]
	if !known {
		f.bring(p, now)
	}
	return known && now.Sub(last) > rest
}

// noteBrought notes which partitions have brought records, when their reader gets these: until then it would ask as before.
func (f *Fetcher) noteBrought(fetched []Fetched) {
	now := time.Now()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for i := range fetched {
		if fetched[i].Next() > fetched[i].Offset {
			f.bring(fetched[i].Position, now)
		}
	}
}

// bring notes that a partition brings records.
func (f *Fetcher) bring(p Position, now time.Time) {
	if f.brought == nil {
		f.brought = make(map[topicPartition]time.Time)
	}
	f.brought[topicPartition{p.Topic, p.Partition}] = now
}
