package bench

import (
	"context"
	"fmt"

	"kindred/cmd/internal/demo"
	"kindred/schemas"
)

// aged is expanded, after which History profiles have changed, one customer's after the other's, and the memberships have
// followed.
func (w *world) aged(ctx context.Context) error {
	if err := w.expanded(ctx); err != nil || w.history >= w.History {
		return err
	}
	w.Say("make history")
	err := w.Flood(ctx, schemas.Profiles, func(add func(key, value []byte) error) error {
		var id, value []byte
		var levels []uint8
		texts := w.made.texts()
		for ; w.history < w.History; w.history++ {
			customer, round := w.history%w.Customers, w.history/w.Customers
			levels = w.made.levels(levels[:0], customer, 1+round)
			id = demo.AppendID(id[:0], customer)
			value = texts.profile(value[:0], customer, levels)
			if err := add(id, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("change profiles: %w", err)
	}
	return w.settled(ctx)
}

// lastVersion returns which profile of a customer is the last, as long as only history has changed them.
func (w *world) lastVersion(customer int) int {
	rounds := w.history / w.Customers
	if customer < w.history%w.Customers {
		return rounds + 1
	}
	return rounds
}

// rebuild starts the shards with everything in Kafka and nothing in Redis.
func (w *world) rebuild(ctx context.Context) (Measure, error) {
	m := Measure{What: "from the start of a process that finds Redis empty until all shards are ready"}
	var times, bare []float64
	for range w.Repeat {
		took, err := w.readBare(ctx, inputs...)
		if err != nil {
			return m, err
		}
		bare = append(bare, took.Seconds())
		s, err := w.start(ctx)
		if err != nil {
			return m, err
		}
		times = append(times, s.ready.Seconds())
		m.Counts = map[string]int64{"customers": int64(w.Customers), "records": s.records, "expansions": int64(w.expansions)}
	}
	m.Figures = []Figure{figure("until ready", Seconds, times).against("bare reader, same records", bare)}
	return m, nil
}
