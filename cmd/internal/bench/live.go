package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"kindred/cmd/internal/demo"
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// echo is the topic on which Kafka alone is measured, and echoTime bounds for how long.
const (
	echo     = "bench.echo"
	echoTime = 5 * time.Second
)

// live lets profiles change at a fixed rate, whatever comes of it, and takes the time from when each change was due to
// be published to when the memberships that follow from it are consumed.
func (w *world) live(ctx context.Context) (Measure, error) {
	m := Measure{What: "from when a profile event was due to be published until its membership event was consumed"}
	if err := w.ensure(ctx, echo); err != nil {
		return m, err
	}
	var moves *moves
	if w.PerChange > 0 {
		var err error
		if moves, err = w.moves(ctx, w.events(w.Duration)); err != nil {
			return m, err
		}
	}
	var ours, bare quantiles
	var follow, bytes []float64
	for run := range w.Repeat {
		alone := w.changes(2*run+1, min(w.Duration, echoTime), nil)
		if err := alone.play(ctx, echo, echo, alone.seeEcho, nothingMore); err != nil {
			return m, fmt.Errorf("without kindred: %w", err)
		}
		bare.add(alone.latencies)
		c := w.changes(2*run+2, w.Duration, moves)
		if err := c.play(ctx, schemas.Profiles, schemas.Memberships, c.seeMembership, w.handled); err != nil {
			return m, err
		}
		if len(c.latencies) == 0 {
			return m, fmt.Errorf("%d profile events caused no membership event: let them come for longer", c.total)
		}
		ours.add(c.latencies)
		follow = append(follow, float64(len(c.latencies))/float64(c.total))
		bytes = append(bytes, float64(c.came.bytes)/float64(c.came.records))
		if round := time.Duration(float64(w.Customers) / float64(w.Rate) * float64(time.Second)); c.longest() >= round {
			m.Notes = append(m.Notes, fmt.Sprintf("an event waited for %v, and after %v every customer changes again: "+
				"some who left may have waited longer than is counted", c.longest().Round(time.Millisecond), round))
		}
		m.Counts = map[string]int64{
			"profileEvents": int64(c.total), "membershipEvents": int64(len(c.latencies)), "expansions": int64(w.expansions),
		}
	}
	if err := w.Delete(ctx, w.Prefix.Topic(echo)); err != nil {
		return m, err
	}
	for i, name := range quantileNames {
		m.Figures = append(m.Figures, figure(name, Milliseconds, ours[i]).against("Kafka alone, same rate", bare[i]))
	}
	m.Figures = append(m.Figures, figure("memberships", EachChange, follow), figure("a membership in Kafka", BytesInKafka, bytes))
	return m, nil
}

func nothingMore(context.Context) error { return nil }

// handled waits until the shards have handled all profiles, and so published what follows from them.
func (w *world) handled(ctx context.Context) error {
	ends, err := w.ends(ctx, schemas.Profiles)
	if err != nil {
		return err
	}
	return w.until(ctx, func(metas []*cache.Meta) bool {
		for shard, end := range ends {
			if metas[shard] == nil || metas[shard].Offsets.Profiles < end.Offset {
				return false
			}
		}
		return true
	})
}

// changes are the profile events of one run, every customer's in turn.
type changes struct {
	*world
	schedule
	waiting
	version int    // of the profiles, in the first round
	moves   *moves // chooses the profiles; nil: they change at random
	came    came   // of the topic that was seen
}

// events returns how many profile events come in a time.
func (w *world) events(duration time.Duration) int {
	return max(1, int(float64(w.Rate)*duration.Seconds()))
}

// changes are those of a time, chosen by moves; nil: profiles change at random.
func (w *world) changes(version int, duration time.Duration, moves *moves) *changes {
	total := w.events(duration)
	change := min(total, w.Customers) // so many customers
	if moves != nil {
		change = moves.all
	}
	return &changes{
		world: w, version: version * 1000, moves: moves, waiting: newWaiting(change),
		schedule: schedule{rate: w.Rate, total: total, sleep: pause},
	}
}

// play publishes the events to one topic and sees another, from where it ends now to where it ends when what was
// published has been handled.
func (c *changes) play(ctx context.Context, to, from string, see func(time.Time, *wire.Record), handled func(context.Context) error) error {
	before, err := c.ends(ctx, from)
	if err != nil {
		return err
	}
	r := &reader{world: c.world, at: before, visit: see}
	c.began = time.Now().Add(20 * time.Millisecond) // the reader waits by then
	topic := c.Prefix.Topic(to)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.run(ctx) })
	group.Go(func() error {
		err := c.keep(ctx, c.Shards, c.composer(), func(ctx context.Context, partition int, batch *wire.Builder) error {
			_, err := c.Producer.Publish(ctx, topic, partition, batch)
			return err
		})
		if err != nil {
			return err
		}
		if err := handled(ctx); err != nil {
			return err
		}
		ends, err := c.ends(ctx, from)
		r.until.Store(&ends)
		return err
	})
	err = group.Wait()
	c.came = r.came
	return err
}

// composer makes the events, and notes for whom something is due.
func (c *changes) composer() compose {
	var id, value []byte
	var levels []uint8
	texts := c.made.texts()
	return func(n int, due time.Time) (int, []byte, []byte) {
		customer := n % c.Customers
		profile, version := customer, c.version+n/c.Customers
		if c.moves != nil {
			customer, profile = c.moves.next()
			version = c.lastVersion(profile)
		}
		levels = c.made.levels(levels[:0], profile, version)
		id = demo.AppendID(id[:0], customer)
		value = texts.profile(value[:0], customer, levels)
		c.expect(customer, due)
		return c.Partitioner.Partition(id, c.Shards), id, value
	}
}

// seeEcho takes the time of an event that comes back as it is.
func (c *changes) seeEcho(came time.Time, r *wire.Record) { c.see(came, numbered(r.Key), 0) }

// seeMembership takes the time of a membership event that a profile event has caused.
func (c *changes) seeMembership(came time.Time, r *wire.Record) {
	because, _ := r.Headers.Get(schemas.HeaderCause)
	_, customer, ok := schemas.SplitKey(r.Key)
	if ok && string(because) == "profile" {
		c.see(came, numbered(customer), changedAt(r.Value))
	}
}
