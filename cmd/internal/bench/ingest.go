package bench

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// ingest starts the shards on a loaded topic of profiles, with nothing in Redis.
func (w *world) ingest(ctx context.Context) (Measure, error) {
	m := Measure{What: "profile events that are in Kafka become rows in Redis, with their offsets"}
	var rates, joins, bare []float64
	for range w.Repeat {
		took, err := w.readBare(ctx, schemas.Profiles)
		if err != nil {
			return m, err
		}
		bare = append(bare, perSecond(w.Customers, took))
		s, err := w.start(ctx)
		if err != nil {
			return m, err
		}
		rates = append(rates, perSecond(w.Customers, s.ready-s.taken))
		joins = append(joins, s.taken.Seconds())
	}
	m.Counts = map[string]int64{"customers": int64(w.Customers), "bytes": w.bytes}
	m.Figures = []Figure{
		figure("profile events", PerSecond, rates).against("bare reader that counts", bare),
		figure("first shard taken", Seconds, joins),
	}
	return m, nil
}

// coldStart is how long a start on an empty Redis took, from the beginning.
type coldStart struct {
	taken   time.Duration // the first shard had an owner
	ready   time.Duration // all shards were stored up to what was in Kafka
	records int64
}

// start starts the shards alone, on an empty Redis, and checks that every customer has come to have a row.
func (w *world) start(ctx context.Context) (s coldStart, err error) {
	w.stop()
	if err := w.wipe(ctx); err != nil {
		return s, err
	}
	g, err := w.goal(ctx)
	if err != nil {
		return s, err
	}
	began := time.Now()
	if err := w.serve(ctx, "shards"); err != nil {
		return s, err
	}
	rows := 0
	err = w.until(ctx, func(metas []*cache.Meta) bool {
		rows = 0
		for _, meta := range metas {
			if meta != nil {
				rows += meta.Rows
				if s.taken == 0 {
					s.taken = time.Since(began)
				}
			}
		}
		return g.met(metas)
	})
	s.ready, s.records = time.Since(began), g.records()
	if err == nil && rows != w.Customers {
		err = fmt.Errorf("%d rows are in Redis for %d customers", rows, w.Customers)
	}
	return s, err
}

// readBare reads all that some topics hold once, doing nothing with it, and returns how long that took.
func (w *world) readBare(ctx context.Context, topics ...string) (time.Duration, error) {
	var all []consumers.Position
	for _, topic := range topics {
		ends, err := w.ends(ctx, topic)
		if err != nil {
			return 0, err
		}
		all = append(all, ends...)
	}
	began := time.Now()
	var read atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for r := range readers {
		group.Go(func() error {
			records, _, err := w.count(ctx, every(all, r, readers))
			read.Add(records)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	if n := read.Load(); n < int64(w.Customers) {
		return 0, fmt.Errorf("%d records are in Kafka for %d customers", n, w.Customers)
	}
	return time.Since(began), nil
}

const readers = 2

// every returns each n-th element, from the first on.
func every[T any](all []T, first, n int) (some []T) {
	for i := first; i < len(all); i += n {
		some = append(some, all[i])
	}
	return some
}

// count reads partitions from their starts up to the given ends, and counts the records and their bytes.
func (w *world) count(ctx context.Context, ends []consumers.Position) (records, bytes int64, err error) {
	var buffers consumers.Buffers
	left := slices.Clone(ends)
	for i := range left {
		left[i].Offset = 0
	}
	for {
		left = slices.DeleteFunc(left, func(at consumers.Position) bool { return at.Offset >= endOf(ends, at) })
		if len(left) == 0 {
			return records, bytes, nil
		}
		fetched, err := w.Fetcher.FetchInto(ctx, &buffers, left, time.Second)
		if err != nil {
			return records, bytes, err
		}
		for _, got := range fetched {
			next, err := got.Each(func(r *wire.Record) error {
				records, bytes = records+1, bytes+int64(len(r.Key)+len(r.Value))
				return nil
			})
			if err != nil {
				return records, bytes, err
			}
			left[slices.Index(left, got.Position)].Offset = max(next, got.Start)
		}
	}
}

func endOf(ends []consumers.Position, at consumers.Position) int64 {
	for _, end := range ends {
		if end.Topic == at.Topic && end.Partition == at.Partition {
			return end.Offset
		}
	}
	return 0
}
