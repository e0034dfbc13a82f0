package bench

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"kindred/consumers"
	"kindred/schemas/wire"
)

// reader consumes all partitions of a topic as any consumer would.
type reader struct {
	*world
	at    []consumers.Position // by partition
	until atomic.Pointer[[]consumers.Position]
	visit func(came time.Time, r *wire.Record)
}

// run reads until until is reached.
func (r *reader) run(ctx context.Context) error {
	var buffers consumers.Buffers
	for !r.over() {
		fetched, err := r.Fetcher.FetchInto(ctx, &buffers, r.at, 50*time.Millisecond)
		if err != nil {
			return err
		}
		came := time.Now()
		for _, got := range fetched {
			next, err := got.Each(func(record *wire.Record) error { r.visit(came, record); return nil })
			if err != nil {
				return err
			}
			r.at[got.Partition].Offset = max(next, got.Start)
		}
	}
	return nil
}

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

// read visits what a topic has had since before.
func (w *world) read(ctx context.Context, topic string, before []consumers.Position, visit func(*wire.Record)) error {
	ends, err := w.ends(ctx, topic)
	if err != nil {
		return err
	}
	r := &reader{world: w, at: slices.Clone(before), visit: func(_ time.Time, record *wire.Record) { visit(record) }}
	r.until.Store(&ends)
	return r.run(ctx)
}
