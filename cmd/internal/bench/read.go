package bench

import (
	"context"
	"sync/atomic"
	"time"

	"kindred/consumers"
	"kindred/schemas/wire"
)

// reader consumes all partitions of a topic as any consumer would.
type reader struct {
	*world
	at    []consumers.Position                 // by partition
	until atomic.Pointer[[]consumers.Position] // where to stop, by partition; nil: not yet known
	visit func(came time.Time, r *wire.Record)
	came  came
}

// came is what has come of a topic.
type came struct{ records, bytes int64 }

// run reads until everything up to until has been visited.
func (r *reader) run(ctx context.Context) error {
	var buffers consumers.Buffers
	for !r.over() {
		fetched, err := r.Fetcher.FetchInto(ctx, &buffers, r.at, 50*time.Millisecond)
		if err != nil {
			return err
		}
		now := time.Now()
		for _, got := range fetched {
			next, err := got.Each(func(record *wire.Record) error { r.came.records++; r.visit(now, record); return nil })
			if err != nil {
				return err
			}
			r.came.bytes += int64(got.Size())
			r.at[got.Partition].Offset = max(next, got.Start)
		}
	}
	return nil
}

// over reports whether everything up to until has been read.
func (r *reader) over() bool {
	until := r.until.Load()
	if until == nil {
		return false
	}
	for i, end := range *until {
		if r.at[i].Offset < end.Offset {
			return false
		}
	}
	return true
}

// read visits what a topic has had since before, one partition after the other.
func (w *world) read(ctx context.Context, topic string, before []consumers.Position, visit func(*wire.Record)) error {
	ends, err := w.ends(ctx, topic)
	if err != nil {
		return err
	}
	for partition, from := range before {
		err := wire.ReadTo(ctx, w.Fetcher, from, ends[partition].Offset, func(r *wire.Record) error { visit(r); return nil })
		if err != nil {
			return err
		}
	}
	return nil
}
