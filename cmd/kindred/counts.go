package main

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"kindred/pipeline/route"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// counts are what the parts of this process have written since it started, as far as others want to see it.
type counts struct {
	prefix schemas.Prefix

	mu      sync.Mutex
	letters map[[2]string]int64         // dead letters by topic and code
	runs    map[[2]string]int64         // runs that have ended, by cause and status
	seconds map[string]time.Duration    // that those took, by cause
	stages  map[schemas.Stage]stageTime // of the runs under way and those before
	run     schemas.Run                 // the one under way
	since   time.Time                   // when it came into its present stage
}

type stageTime struct {
	took time.Duration
	runs int64
}

func newCounts(prefix schemas.Prefix) *counts {
	return &counts{
		prefix: prefix, letters: map[[2]string]int64{}, runs: map[[2]string]int64{}, seconds: map[string]time.Duration{},
		stages: map[schemas.Stage]stageTime{},
	}
}

// letter counts a dead letter. topic is a full name.
func (c *counts) letter(topic, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.letters[[2]string{topic, code}]++
}

// event counts an event of a run. Runs go one after another, so what it was doing until now is over when another comes.
func (c *counts) event(run schemas.Run) {
	if run.Status == schemas.Queued {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.run.Status == schemas.Processing && c.run.RunID == run.RunID && (c.run.Stage != run.Stage || run.Status.Final()) {
		stage := c.stages[c.run.Stage]
		c.stages[c.run.Stage] = stageTime{stage.took + now.Sub(c.since), stage.runs + 1}
	}
	if run.Status == schemas.Processing {
		if c.run.RunID != run.RunID || c.run.Stage != run.Stage {
			c.since = now
		}
		c.run = run
		return
	}
	if c.run.RunID == run.RunID {
		c.run = schemas.Run{}
	}
	c.runs[[2]string{string(run.Cause), string(run.Status)}]++
	if run.StartedAt != nil && run.EndedAt != nil {
		c.seconds[string(run.Cause)] += run.EndedAt.Sub(*run.StartedAt)
	}
}

// seeing is the Writer of a transaction that remembers what of its records is counted once they are committed.
type seeing struct {
	route.Writer
	counts  *counts
	letters [][2]string
	runs    []schemas.Run
}

func (s *seeing) Write(ctx context.Context, topic string, partition int, key, value []byte, h wire.Headers) error {
	switch topic {
	case s.counts.prefix.Topic(schemas.DeadLetters):
		if d, err := schemas.ReadDeadLetter(&wire.Record{Key: key, Value: value, Headers: h}); err == nil {
			s.letters = append(s.letters, [2]string{d.Topic, d.Code})
		}
	case s.counts.prefix.Topic(schemas.Runs):
		var run schemas.Run
		if err := json.Unmarshal(value, &run); err == nil {
			run.Report = nil // it is large
			s.runs = append(s.runs, run)
		}
	}
	return s.Writer.Write(ctx, topic, partition, key, value, h)
}

func (s *seeing) committed() {
	for _, letter := range s.letters {
		s.counts.letter(letter[0], letter[1])
	}
	for _, run := range s.runs {
		s.counts.event(run)
	}
}
