package doctor

import (
	"context"
	"fmt"
	"time"

	"kindred/consumers"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// Samples of profiles: some of the oldest and some of the newest records of each partition.
const (
	samplesOfOne = 200      // keys of a partition, each time
	sampledBytes = 64 << 10 // of a partition, each time; one batch comes whole in any case
	newestBack   = 100      // offsets before the end
	lately       = 24 * time.Hour
)

// sample counts where keys lie.
type sample struct {
	keys    int
	fits    map[schemas.Partitioner]int
	strange int // keys that do not lie where the partitioner puts them
	recent  int // and of those, what was written lately
	where   []int
}

// partitioner says whether the keys of profiles lie where they should.
func (i *Installation) partitioner(ctx context.Context) ([]Finding, error) {
	all := i.positions(schemas.Profiles)
	if len(all) < 2 {
		return nil, nil // with one partition every key lies where it should
	}
	s, err := i.sampleKeys(ctx, all)
	if err != nil {
		return nil, err
	}
	other := schemas.Murmur2
	if other == i.Partitioner {
		other = schemas.CRC32
	}
	back := "then put back what was refused: kindred dead-letters replay --topic profiles --code wrong_partition"
	switch {
	case s.keys == 0:
		return []Finding{{State: Note, Text: "there are no profiles yet, so nobody knows how their producers choose partitions"}}, nil
	case s.strange == 0:
		return []Finding{{State: OK, Text: fmt.Sprintf("%s fits all %s of profiles that were sampled", i.Partitioner, counted(s.keys, "key"))}}, nil
	case s.fits[other] == s.keys:
		return []Finding{{State: Problem, Text: fmt.Sprintf("all %s of profiles that were sampled lie where %s puts them, and this command is set to %s",
			counted(s.keys, "key"), other, i.Partitioner),
			Try: fmt.Sprintf("--partitioner %s for kindred serve and for all commands; %s", other, back)}}, nil
	}
	f := Finding{State: Problem, Text: fmt.Sprintf("%d of %s of profiles that were sampled do not lie where %s puts them (%s would have put %d there), in partition %s",
		s.strange, counted(s.keys, "key"), i.Partitioner, other, s.fits[other], some(s.where)),
		Try: fmt.Sprintf("set the producers of profiles to %s, %s", i.Partitioner, back)}
	if s.recent == 0 {
		f.State, f.Text, f.Try = Note, f.Text+"; all of those were written more than a day ago", ""
	}
	return []Finding{f}, nil
}

// sampleKeys reads some of the oldest and some of the newest records of profiles.
func (i *Installation) sampleKeys(ctx context.Context, all []consumers.Position) (*sample, error) {
	starts, err := i.fetcher.Starts(ctx, all)
	if err != nil {
		return nil, err
	}
	ends, err := i.fetcher.Ends(ctx, all)
	if err != nil {
		return nil, err
	}
	s := &sample{fits: map[schemas.Partitioner]int{}}
	var oldest, newest []consumers.Position
	for p, at := range all {
		if starts[p] >= ends[p] {
			continue
		}
		at.Offset = starts[p]
		oldest = append(oldest, at)
		if at.Offset = ends[p] - newestBack; at.Offset > starts[p] {
			newest = append(newest, at)
		}
	}
	for _, from := range [][]consumers.Position{oldest, newest} {
		if err := i.readSome(ctx, from, len(all), s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readSome fetches once from each position.
func (i *Installation) readSome(ctx context.Context, from []consumers.Position, partitions int, s *sample) error {
	fetcher := &consumers.Fetcher{Cluster: i.Kafka, PartitionBytes: sampledBytes}
	for rounds := 0; len(from) > 0 && rounds < 2*partitions; rounds++ { // brokers answer one after the other
		fetched, err := fetcher.Fetch(ctx, from, 200*time.Millisecond)
		if err != nil {
			return err
		}
		answered := map[int]bool{}
		for n := range fetched {
			if len(fetched[n].Data) == 0 {
				continue
			}
			answered[fetched[n].Partition] = true
			left := samplesOfOne
			_, err := wire.EachReadable(ctx, fetcher, &fetched[n], func(r *wire.Record) error {
				if left > 0 && len(r.Key) > 0 {
					left--
					i.judgeKey(s, r, fetched[n].Partition, partitions)
				}
				return nil
			}, func(*wire.Damage) error { return nil })
			if err != nil {
				return err
			}
		}
		if len(answered) == 0 {
			return nil // what lies there is empty batches, or gone
		}
		var rest []consumers.Position
		for _, at := range from {
			if !answered[at.Partition] {
				rest = append(rest, at)
			}
		}
		from = rest
	}
	return nil
}

func (i *Installation) judgeKey(s *sample, r *wire.Record, partition, partitions int) {
	s.keys++
	for _, p := range []schemas.Partitioner{schemas.Murmur2, schemas.CRC32} {
		fits := p.Partition(r.Key, partitions) == partition
		if fits {
			s.fits[p]++
		}
		if p != i.Partitioner || fits {
			continue
		}
		s.strange++
		if len(s.where) == 0 || s.where[len(s.where)-1] != partition {
			s.where = append(s.where, partition)
		}
		if i.now.Sub(time.UnixMilli(r.Timestamp)) < lately {
			s.recent++
		}
	}
}
