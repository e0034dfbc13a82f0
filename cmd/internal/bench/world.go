package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kindred/cmd/internal/demo"
	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/producers"
	"kindred/schemas"
)

// world is how far Kafka, Redis and the pipeline have been brought. Each measure brings it as far as it needs.
type world struct {
	*Bench
	made customers

	loaded     bool
	bytes      int64        // of all profiles as JSON
	first      *schemas.Run // of the first expansion; nil: there is none
	expansions int          // that are live, the first included
	history    int          // profile changes that were published for a rebuild to find
	pipeline   *pipeline    // nil: none is running
}

// load publishes all profiles, and the segment of the VIPs.
func (w *world) load(ctx context.Context) error {
	if w.loaded {
		return nil
	}
	topics := schemas.Topics(w.Shards)
	if w.Changes {
		topics = append(topics, schemas.Changes(w.Shards))
	}
	if err := w.create(ctx, topics); err != nil {
		return err
	}
	if w.Kept {
		there, err := w.there(ctx)
		if err != nil || there {
			return err
		}
	}
	w.Say("load")
	var ids []string
	err := w.Flood(ctx, schemas.Profiles, func(add func(key, value []byte) error) error {
		var id, value []byte
		var levels []uint8
		texts := w.made.texts()
		for customer := range w.Customers {
			id = demo.AppendID(id[:0], customer)
			levels = w.made.levels(levels[:0], customer, 0)
			value = texts.profile(value[:0], customer, levels)
			w.bytes += int64(len(value))
			if w.made.vip(customer) {
				ids = append(ids, string(id))
			}
			if err := add(id, value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish profiles: %w", err)
	}
	w.loaded = true
	return w.Snapshot(ctx, vip, ids)
}

// there reports whether an earlier bench has loaded all that load would. Profiles may have changed since.
func (w *world) there(ctx context.Context) (bool, error) {
	var loaded int64
	profiles, err := w.ends(ctx, schemas.Profiles)
	if err != nil {
		return false, err
	}
	for _, end := range profiles {
		loaded += end.Offset
	}
	segment, err := w.Fetcher.Ends(ctx, []consumers.Position{{Topic: w.Prefix.Topic(schemas.SegmentChanges)}})
	switch {
	case err != nil:
		return false, err
	case loaded == 0:
		return false, nil
	case loaded < int64(w.Customers) || segment[0] == 0:
		return false, fmt.Errorf("%d of %d customers are there: an earlier bench was interrupted while it loaded them", loaded, w.Customers)
	}
	w.loaded = true
	return true, nil
}

// create makes topics, and returns when every partition has a leader that answers: no time is taken of a Kafka that is
// busy with them. Once it has begun it is not interrupted: a topic that is still being made when everything is cleared
// away would stay.
func (w *world) create(ctx context.Context, topics []schemas.Topic) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := producers.Ensure(ctx, w.Producer.Cluster, w.Prefix, topics); err != nil {
		return err
	}
	var all []consumers.Position
	for _, topic := range topics {
		for partition := range topic.Partitions {
			all = append(all, consumers.Position{Topic: w.Prefix.Topic(topic.Name), Partition: partition})
		}
	}
	_, err := w.Fetcher.Ends(ctx, all)
	return err
}

// pipeline is one that is running.
type pipeline struct {
	roles []string
	ctx   context.Context // ends with the pipeline; its cause says why
	stop  context.CancelFunc
	ended chan struct{}
}

var errEnded = errors.New("the pipeline has ended")

// serve runs the pipeline with these roles, unless it runs already. It returns once the parts have been started.
func (w *world) serve(ctx context.Context, roles ...string) error {
	if w.pipeline != nil && slices.Equal(w.pipeline.roles, roles) {
		return nil
	}
	w.stop()
	serving, stop := context.WithCancel(ctx)
	watched, ended := context.WithCancelCause(ctx)
	p := &pipeline{roles: roles, ctx: watched, stop: stop, ended: make(chan struct{})}
	started := make(chan struct{})
	go func() {
		defer close(p.ended)
		err := w.Serve(serving, func() { close(started) }, roles...)
		ended(cmp.Or(err, errEnded))
	}()
	w.pipeline = p
	select {
	case <-started:
		return nil
	case <-watched.Done():
		return context.Cause(watched)
	}
}

// stop ends the pipeline, if one is running, and waits for it.
func (w *world) stop() {
	if w.pipeline != nil {
		w.pipeline.stop()
		<-w.pipeline.ended
		w.pipeline = nil
	}
}

// inputs are the topics that every shard reads.
var inputs = []string{schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships}

// ends returns the present end of every partition of a topic.
func (w *world) ends(ctx context.Context, name string) ([]consumers.Position, error) {
	positions := make([]consumers.Position, w.Shards)
	for shard := range positions {
		positions[shard] = consumers.Position{Topic: w.Prefix.Topic(name), Partition: shard}
	}
	ends, err := w.Fetcher.Ends(ctx, positions)
	for i, end := range ends {
		positions[i].Offset = end
	}
	return positions, err
}

// goal is where every shard must get to: by input, then by shard.
type goal [][]consumers.Position

// goal returns the present ends of the inputs.
func (w *world) goal(ctx context.Context) (goal, error) {
	var all goal
	for _, topic := range inputs {
		ends, err := w.ends(ctx, topic)
		if err != nil {
			return nil, err
		}
		all = append(all, ends)
	}
	return all, nil
}

// records returns how many offsets lie before the goal.
func (g goal) records() (n int64) {
	for _, ends := range g {
		for _, end := range ends {
			n += end.Offset
		}
	}
	return n
}

// met reports whether every shard's cache is ready and has taken in everything up to the goal.
func (g goal) met(metas []*cache.Meta) bool {
	for shard, meta := range metas {
		if meta == nil || !meta.Ready {
			return false
		}
		at := meta.Offsets
		for i, offset := range [...]int64{at.Profiles, at.SegmentMembers, at.Models, at.Memberships} {
			if offset < g[i][shard].Offset {
				return false
			}
		}
	}
	return true
}

// look is how often the metas are read, unless that takes long: no time of what ends in Redis is more exact.
const look = 2 * time.Millisecond

// until reads the metas of all shards again and again, until enough reports true. It takes a tenth of the time of one core at
// most: what is measured has the same machine.
func (w *world) until(ctx context.Context, enough func([]*cache.Meta) bool) error {
	for {
		began := time.Now()
		metas, err := w.Cache.ReadMetas(ctx, w.Shards)
		if err != nil {
			return err
		}
		if enough(metas) {
			return nil
		}
		select {
		case <-time.After(max(look, 9*time.Since(began))):
		case <-w.pipeline.ctx.Done():
			return context.Cause(w.pipeline.ctx)
		}
	}
}

// settled waits until the shards have handled everything that the inputs hold now.
func (w *world) settled(ctx context.Context) error {
	g, err := w.goal(ctx)
	if err != nil {
		return err
	}
	return w.until(ctx, g.met)
}
