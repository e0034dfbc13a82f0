package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/pipeline/shard"
)

const (
	partPatience = 30 * time.Second // a part that has not succeeded for so long hangs: the longest transaction takes less
	savePatience = 15 * time.Second // a shard saves once a second, and a save has ten
	mostShards   = 20               // that are not ready are named one by one
)

// part is a part of this process, as far as it says how it is. It is ready while it succeeds, or stands by for another process.
// The age of the last success decides, not that there was one: what hangs reports nothing. It may be used by several goroutines.
type part struct {
	name     string
	patience time.Duration // how old the last success may be; 0: partPatience
	restarts atomic.Int64

	mu      sync.Mutex
	begun   time.Time // when it was first heard of
	success time.Time // the last one
	failure error     // since then; nil: none
	failing time.Time // since when
	standby bool
}

func newPart(name string) *part { return &part{name: name, begun: time.Now()} }

// ok says that the part has just done what it is there for.
func (p *part) ok() { p.set(nil, false) }

// standsBy says that another process does what the part is there for, and that this one is ready to go on in its place.
func (p *part) standsBy() { p.set(nil, true) }

// failed says that the part has just failed. It counts until the next success.
func (p *part) failed(err error) { p.set(err, false) }

func (p *part) set(failure error, standby bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case failure == nil:
		p.success, p.standby, p.failure = now, standby, nil
	case p.failure == nil:
		p.failing = now
		fallthrough
	default:
		p.failure, p.standby = failure, false
	}
}

func (p *part) standingBy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.standby
}

// says returns how the part is now.
func (p *part) says() reading.Part {
	p.mu.Lock()
	defer p.mu.Unlock()
	patience := p.patience
	if patience == 0 {
		patience = partPatience
	}
	said := reading.Part{Name: p.name}
	switch age := time.Since(p.success); {
	case p.failure != nil:
		said.Text = fmt.Sprintf("it fails, for %s now: %v", short(time.Since(p.failing)), p.failure)
	case p.success.IsZero():
		said.Text = fmt.Sprintf("it has not begun to work, %s after the start", short(time.Since(p.begun)))
	case age > patience:
		said.Text = fmt.Sprintf("it has done nothing for %s", short(age))
	case p.standby:
		said.Ready, said.Text = true, "standby: another process does this, this one would go on"
	default:
		said.Ready, said.Text = true, "works"
	}
	return said
}

// parts returns how everything in this process is: for /readyz, a line each.
func (p *pipeline) parts() []reading.Part {
	all := []reading.Part{p.kafka.says(), p.redis.says()}
	if p.worker != nil {
		all = append(all, shardsSay(p.owning.says(), p.worker.States())...)
	}
	if p.server.Does("control") {
		all = append(all, p.routing.says(), p.controlling.says())
	}
	if problem := p.topics.problem(); problem != "" {
		all = append(all, reading.Part{Name: "topics", Text: problem})
	}
	return all
}

// shardsSay returns how the shards of this process are: all together, then each that is not ready. place is the process's place
// in the group that gives shards.
func shardsSay(place reading.Part, states []shard.State) []reading.Part {
	place.Name = "shards"
	if !place.Ready || len(states) == 0 {
		return []reading.Part{place}
	}
	var bad []reading.Part
	for _, state := range states {
		if why := unready(state); why != "" {
			bad = append(bad, reading.Part{Name: fmt.Sprintf("shard %d", state.Shard), Text: why})
		}
	}
	place.Text = fmt.Sprintf("%d of %d ready", len(states)-len(bad), len(states))
	place.Ready = len(bad) == 0
	return append([]reading.Part{place}, bad[:min(len(bad), mostShards)]...)
}

// unready returns why a shard is not ready; empty: it is.
func unready(state shard.State) string {
	switch stateOf(state) {
	case stopped:
		return fmt.Sprintf("stopped, and taken over again: %v", state.Err)
	case catchingUp:
		return fmt.Sprintf("catching up, %d offsets to go", state.Behind)
	case notSaving:
		why := "no save ends"
		if state.Err != nil {
			why = state.Err.Error()
		}
		if state.Saved.IsZero() {
			return "cannot save: " + why
		}
		return fmt.Sprintf("has not saved for %s: %s", short(time.Since(state.Saved)), why)
	}
	return ""
}

// States of a shard, as /metrics names them.
const (
	shardReady = "ready"
	catchingUp = "catching_up"
	notSaving  = "not_saving"
	stopped    = "stopped"
)

func stateOf(state shard.State) string {
	switch {
	case !state.CaughtUp && state.Err != nil:
		return stopped
	case !state.CaughtUp:
		return catchingUp
	case state.Err != nil, !state.Saved.IsZero() && time.Since(state.Saved) > savePatience:
		return notSaving
	}
	return shardReady
}
