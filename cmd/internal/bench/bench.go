package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/producers"
	"kindred/schemas"
)

// Bench is what to measure, and on what.
type Bench struct {
	Customers  int
	Fields     int           // of each customer
	Expansions int           // that are live
	Sources    int           // segments that these are of; 0: one
	History    int           // profile changes that a rebuild finds in the topics, each with the memberships that it caused
	Share      float64       // how many of those who are similar enough the first expansion takes
	Rate       int           // profile events a second, while profiles change
	Duration   time.Duration // for which they change
	PerChange  float64       // memberships that follow from a change; 0: as many as when profiles change at random
	Repeat     int           // of every measure; figures are medians
	Seed       uint64        // of the customers
	Only       []string      // some of Names; empty: all
	Changes    bool          // membership-changes is written, too
	Kept       bool          // what is there already under the prefix is of the same bench, and used again

	System
	Say func(name string) // is called with what is made or measured from now on
}

// System is the kindred that is measured. Its prefix is the bench's own.
type System struct {
	Prefix      schemas.Prefix
	Shards      int
	Partitioner schemas.Partitioner
	Producer    *producers.Producer // of upstream, not of the pipeline
	Fetcher     *consumers.Fetcher
	Cache       *cache.Store
	Embedded    bool   // Kafka and Redis are in this process
	Kafka       string // host:port for a bare connection; empty: one would not do
	Redis       string

	Serve    func(ctx context.Context, started func(), roles ...string) error // runs the pipeline until ctx ends
	Flood    func(ctx context.Context, topic string, fill func(add func(key, value []byte) error) error) error
	Snapshot func(ctx context.Context, segment string, ids []string) error
	Ask      func(ctx context.Context, request schemas.ExpandRequest) (schemas.Run, time.Duration, error) // until the run ends
	Delete   func(ctx context.Context, topics ...string) error                                            // full names
}

// Names are all measures, in the order in which they are reported.
var Names = []string{"ingest", "scan", "fit", "publish", "expand", "refresh", "event", "live", "rebuild", "memory"}

// step takes a measure once the world is as it needs it. Steps stand in the order in which they disturb each other
// least: what they leave behind in Kafka grows, and profiles change last.
type step struct {
	name  string
	needs func(*world, context.Context) error
	take  func(*world, context.Context) (Measure, error)
}

var steps = []step{
	{"fit", nothing, (*world).fit},
	{"publish", nothing, (*world).publish},
	{"ingest", (*world).load, (*world).ingest},
	{"expand", (*world).expanded, (*world).expand},
	{"refresh", (*world).expanded, (*world).refresh},
	{"scan", (*world).expanded, (*world).scan},
	{"memory", (*world).expanded, (*world).memory},
	{"event", (*world).expanded, (*world).event}, // before history gives everybody another profile
	{"rebuild", (*world).aged, (*world).rebuild},
	{"live", (*world).expanded, (*world).live},
}

func nothing(*world, context.Context) error { return nil }

// Run takes the measures that are wanted. What it has made in Kafka and Redis stays: whoever gave the prefix clears it.
func (b *Bench) Run(ctx context.Context) (*Report, error) {
	w := &world{Bench: b, made: customers{seed: b.Seed, fields: b.Fields}}
	defer w.stop()
	report := b.report()
	for _, s := range steps {
		if len(b.Only) > 0 && !slices.Contains(b.Only, s.name) {
			continue
		}
		m, err := s.measure(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", s.name, err)
		}
		report.Measures = append(report.Measures, m)
	}
	slices.SortFunc(report.Measures, func(a, b Measure) int {
		return slices.Index(Names, a.Name) - slices.Index(Names, b.Name)
	})
	return report, nil
}

func (s *step) measure(ctx context.Context, w *world) (Measure, error) {
	if err := s.needs(w, ctx); err != nil {
		return Measure{}, err
	}
	w.Say(s.name)
	m, err := s.take(w, ctx)
	if err == nil {
		m.Name = s.name
		err = m.check()
	}
	return m, err
}
