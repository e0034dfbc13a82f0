// Package doctor looks at one installation from outside: its Kafka, its Redis, its topics and groups, the caches of its
// shards. It says of each whether it is as it should be and, if not, what to do about it.
//
// It changes nothing, it publishes nothing, and it ends within seconds whatever is broken. It knows of the pipeline only what
// that leaves in Kafka and Redis: a process that has stopped is examined as well as one that runs.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"kindred/consumers"
	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/broker"
)

// State is how serious a finding is.
type State string

const (
	OK      State = "ok"
	Note    State = "note"    // worth knowing; nobody has to do anything
	Problem State = "problem" // needs a person
)

// Finding is one thing that was looked at.
type Finding struct {
	About string `json:"about"` // kafka, topics, ...
	State State  `json:"state"`
	Text  string `json:"text"`
	Try   string `json:"try,omitempty"` // the way out; never empty for a problem
}

// Installation is what is examined.
type Installation struct {
	Kafka       *broker.Cluster // nil: it cannot be reached
	Cache       *cache.Store    // nil: Redis cannot be reached
	Prefix      schemas.Prefix
	Partitioner schemas.Partitioner
	Partitions  int  // of profiles, as they should be; 0: as many as there are
	Changes     bool // its processes have agreed to write membership-changes
	OneRedis    bool // only one address of Redis is known

	// Patience is how long each thing may be looked at; all are looked at side by side. 0: 5 s.
	Patience time.Duration

	fetcher *consumers.Fetcher
	counts  map[string]int // partitions by topic, with its prefix
	now     time.Time
}

// Examine looks at everything that can be reached. Findings come in the same order every time.
func (i *Installation) Examine(ctx context.Context) []Finding {
	i.now = time.Now()
	if i.Patience == 0 {
		i.Patience = 5 * time.Second
	}
	var checks []check
	if i.Kafka != nil {
		i.fetcher = &consumers.Fetcher{Cluster: i.Kafka}
		limited, cancel := context.WithTimeout(ctx, i.Patience)
		counts, err := i.Kafka.Topics(limited, string(i.Prefix))
		cancel()
		if err != nil {
			return append([]Finding{i.inTrouble("kafka", err)}, i.run(ctx, i.redisChecks())...)
		}
		i.counts = counts
		checks = append(checks, check{"kafka", i.versions}, check{"topics", i.topics}, check{"partitioner", i.partitioner})
	}
	checks = append(checks, i.redisChecks()...)
	if i.Kafka != nil {
		checks = append(checks, check{"workers", i.workers}, check{"control", i.control})
	}
	if i.Kafka != nil && i.Cache != nil {
		checks = append(checks, check{"shards", i.shards})
	}
	if i.Kafka != nil {
		checks = append(checks, check{"dead letters", i.deadLetters})
	}
	return i.run(ctx, checks)
}

func (i *Installation) redisChecks() []check {
	if i.Cache == nil {
		return nil
	}
	return []check{{"redis", i.redis}}
}

// check looks at one thing. Its error is one that kept it from looking.
type check struct {
	about string
	look  func(context.Context) ([]Finding, error)
}

// run makes all checks side by side, each within the time that it has.
func (i *Installation) run(ctx context.Context, checks []check) (all []Finding) {
	ctx, cancel := context.WithTimeout(ctx, i.Patience)
	defer cancel()
	found := make([][]Finding, len(checks))
	var group sync.WaitGroup
	for n, c := range checks {
		group.Go(func() {
			findings, err := c.look(ctx)
			if err != nil {
				findings = append(findings, i.inTrouble(c.about, err))
			}
			for k := range findings {
				findings[k].About = c.about
			}
			found[n] = findings
		})
	}
	group.Wait()
	for _, findings := range found {
		all = append(all, findings...)
	}
	return all
}

// inTrouble is the finding of something that could not be looked at.
func (i *Installation) inTrouble(about string, err error) Finding {
	f := Finding{About: about, State: Problem, Text: fmt.Sprintf("could not be looked at: %v", err),
		Try: "the log of kindred serve and of the server says more"}
	if errors.Is(err, context.DeadlineExceeded) {
		f.Text = fmt.Sprintf("could not be looked at within %v", i.Patience)
		f.Try = "is every broker reachable at the address that it advertises, and no server frozen?"
	}
	return f
}

// shardCount returns how many shards there should be: as was said, else as many partitions as profiles has.
func (i *Installation) shardCount() int {
	if i.Partitions > 0 {
		return i.Partitions
	}
	return i.counts[i.Prefix.Topic(schemas.Profiles)]
}

// positions are all partitions of a topic, from their first offset.
func (i *Installation) positions(name string) []consumers.Position {
	topic := i.Prefix.Topic(name)
	all := make([]consumers.Position, i.counts[topic])
	for p := range all {
		all[p] = consumers.Position{Topic: topic, Partition: p}
	}
	return all
}

// mostNamed is how many of a list are named; the others are counted.
const mostNamed = 5

// some lists the first of many: "0, 4, 7 and 9 more".
func some[T any](all []T) string {
	var words []string
	for _, one := range all[:min(len(all), mostNamed)] {
		words = append(words, fmt.Sprint(one))
	}
	text := strings.Join(words, ", ")
	if more := len(all) - mostNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// counted writes a number and what it counts: "1 shard", "2 processes".
func counted[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if strings.HasSuffix(one, "s") {
		one += "e"
	}
	return fmt.Sprintf("%d %ss", n, one)
}
