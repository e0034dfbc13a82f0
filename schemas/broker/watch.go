package broker

import (
	"context"
	"maps"
	"slices"
	"time"

	"kindred/schemas/retry"
)

// Watch looks whether topics are still those that they were when work on them began.
type Watch struct {
	Cluster *Cluster
	Topics  map[string]Identity // by name, as they were then: what Identify returned
	Every   time.Duration       // between looks; default a second

	// Changed is called, by the goroutine of Run, when a topic is another one than it was, or than was told last. Nothing is
	// told after one look only: a broker that has just started may answer with an old state. A topic that is not there (zero)
	// may come back as it was, which is told, too.
	Changed func(topic string, is Identity)
}

// Run looks until ctx ends. It returns no error: as long as no broker answers, nothing is known to have changed.
func (w *Watch) Run(ctx context.Context) error {
	every := w.Every
	if every == 0 {
		every = time.Second
	}
	topics := slices.Sorted(maps.Keys(w.Topics))
	told := maps.Clone(w.Topics)
	suspected := map[string]Identity{} // seen once
	pauses := retry.Backoff{First: every, Last: 10 * every}
	pause := every
	var trouble Trouble
	for retry.Sleep(ctx, pause) == nil {
		found, err := w.Cluster.Identify(ctx, topics...)
		if err != nil {
			if ctx.Err() == nil {
				w.Cluster.Complain(&trouble, "look whether topics have changed", err)
			}
			pause = pauses.Next()
			continue
		}
		pauses.Reset()
		trouble = Trouble{}
		pause = every
		for _, topic := range topics {
			is := found[topic]
			before, seen := suspected[topic]
			switch {
			case is.Same(told[topic]):
				delete(suspected, topic)
			case seen && is.Same(before):
				delete(suspected, topic)
				told[topic] = is
				w.Changed(topic, is)
			default:
				suspected[topic] = is
				pause = every / 4 // the second look comes soon
			}
		}
	}
	return nil
}
