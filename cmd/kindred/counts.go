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
	unknown map[string]int64            // properties of profiles that mean nothing, by name; at most mostNames
	runs    map[[2]string]int64         // runs that have ended, by cause and status
	seconds map[string]time.Duration    // that those took, by cause
	stages  map[schemas.Stage]stageTime // that are over, of the runs under way and those before
	present map[string]inStage          // where the runs under way are, by run; at most mostRuns
}

// mostRuns is more than there are under way at once. Runs that another process has ended are forgotten with all others when it
// is reached: of those under way, one stage each is not counted.
const mostRuns = 100

// inStage says since when a run has been in its present stage.
type inStage struct {
	stage schemas.Stage
	since time.Time
}

type stageTime struct {
	took time.Duration
	runs int64
}

func newCounts(prefix schemas.Prefix) *counts {
	return &counts{
		prefix: prefix, letters: map[[2]string]int64{}, unknown: map[string]int64{}, runs: map[[2]string]int64{}, seconds: map[string]time.Duration{},
		stages: map[schemas.Stage]stageTime{}, present: map[string]inStage{},
	}
}

// letter counts a dead letter. topic is a full name.
func (c *counts) letter(topic, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.letters[[2]string{topic, code}]++
}

// mostNames is how many names of unknown properties are counted apart: whoever writes profiles chooses them. All others are
// otherNames.
const (
	mostNames  = 20
	otherNames = "others"
)

// unknowns counts properties of a profile that mean nothing.
func (c *counts) unknowns(names [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		if _, known := c.unknown[string(name)]; known {
			c.unknown[string(name)]++
		} else if shown := schemas.Shorten(string(name), 40); shown == string(name) && len(c.unknown) < mostNames {
			c.unknown[shown] = 1
		} else {
			c.unknown[otherNames]++
		}
	}
}

// event counts an event of a run: the stage that it was in is over when it comes into another, or ends.
func (c *counts) event(run schemas.Run) {
	if run.Status == schemas.Queued {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := run.At
	was, known := c.present[run.RunID]
	ends := run.Status != schemas.Processing
	if known && (ends || was.stage != run.Stage) {
		stage := c.stages[was.stage]
		c.stages[was.stage] = stageTime{stage.took + now.Sub(was.since), stage.runs + 1}
	}
	if !ends {
		if len(c.present) == mostRuns {
			clear(c.present)
		}
		if !known || was.stage != run.Stage {
			c.present[run.RunID] = inStage{run.Stage, now}
		}
		return
	}
	delete(c.present, run.RunID)
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
			said, _ := h.Get(schemas.HeaderTime)
			run.At, _ = time.Parse(time.RFC3339Nano, string(said))
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
