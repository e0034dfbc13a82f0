package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kindred/cmd/internal/reading"
	"kindred/consumers"
	"kindred/pipeline/shard"
	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

const (
	probeEvery  = 2 * time.Second
	probeWithin = 3 * time.Second
)

// probe asks Kafka and Redis again and again whether they answer, until ctx ends.
func (p *pipeline) probe(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		of := []consumers.Position{{Topic: p.prefix.Topic(schemas.Profiles)}}
		return probeOne(ctx, p.kafka, func(ctx context.Context) error { _, err := p.fetcher.Ends(ctx, of); return err })
	})
	group.Go(func() error { return probeOne(ctx, p.redis, p.cache.Ping) })
	return group.Wait()
}

func probeOne(ctx context.Context, p *part, ask func(context.Context) error) error {
	for {
		limited, cancel := context.WithTimeout(ctx, probeWithin)
		err := ask(limited)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			p.failed(fmt.Errorf("does not answer: %w", err))
		default:
			p.ok()
		}
		_ = retry.Sleep(ctx, probeEvery) // the loop sees when ctx has ended
	}
}

// announce logs once that all is ready, with what there is. It waits for that until ctx ends.
func (p *pipeline) announce(ctx context.Context) error {
	begun := time.Now()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
		if !reading.Ready(p.parts()) {
			continue
		}
		var states []shard.State
		if p.worker != nil {
			states = p.worker.States()
		}
		customers := 0
		for _, state := range states {
			customers += state.Rows
		}
		p.log.Info(fmt.Sprintf("ready: %d shards, %d customers", len(states), customers), "after", time.Since(begun).Round(time.Millisecond))
		return nil
	}
}

// watched is one run of the router or the controller as seen from outside: what it reads by, and when it is in a transaction. It
// says of the part that it works when that asks for more input, since then it has done with what it had.
type watched struct {
	wire.Reader
	part   *part
	topic  string      // the input
	ahead  int         // how many fetches of it the part may begin before it has done with the first; they say nothing
	inside atomic.Bool // a transaction, in which the input may be read for another reason
}

// Fetch is called by the one goroutine of the part that reads the input, and in transactions.
func (w *watched) Fetch(ctx context.Context, from []wire.Position, wait time.Duration) ([]wire.Fetched, error) {
	if !w.inside.Load() && slices.ContainsFunc(from, func(at wire.Position) bool { return at.Topic == w.topic }) {
		if w.ahead == 0 {
			w.part.ok()
		} else {
			w.ahead--
		}
	}
	return w.Reader.Fetch(ctx, from, wait)
}
