package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kindred/pipeline/control"
	"kindred/pipeline/learn"
	"kindred/schemas"
	"kindred/schemas/retry"
)

// Go wakes a thread on another processor whenever something can be done there, which costs more than most of what there is to do
// for a single change. So a process that has little to do runs Go on one processor.
const (
	sampled  = 50 * time.Millisecond // how often a process looks at how busy it is
	settled  = 10                    // samples in a row for which fewer processors must have done before there are fewer
	saturate = 0.8                   // share of the processors in use: where they are busier, more might be of use
	target   = 0.5                   // share of the processors that are left
)

// processors are how many this process runs Go on: as many as it has work for, all of them while somebody demands that.
type processors struct {
	mutex    sync.Mutex
	chosen   bool // run is at work
	demanded int
	most     int
	width    width
}

// width chooses a number of processors.
type width struct {
	needs   int // the most that any of the samples needed
	samples int // in a row that needed fewer than there were
}

// next returns the number that follows on now, when so many were busy, and most is all there are.
func (w *width) next(busy float64, now, most int) int {
	needed := max(1, int(math.Ceil(busy/target)))
	switch {
	case busy > saturate*float64(now): // how many there is work for does not show
		*w = width{}
		return most
	case needed >= now:
		*w = width{}
		return now
	}
	w.needs = max(w.needs, needed)
	if w.samples++; w.samples < settled {
		return now
	}
	needed, *w = w.needs, width{}
	return needed
}

// run keeps, until ctx ends, the number of processors to what there is to do. Who has set GOMAXPROCS knows better.
func (p *processors) run(ctx context.Context) error {
	if os.Getenv("GOMAXPROCS") != "" {
		return nil
	}
	p.choose(true)
	defer p.choose(false)
	used, at := processorTime(), time.Now()
	for retry.Sleep(ctx, sampled) == nil {
		before, began := used, at
		used, at = processorTime(), time.Now()
		p.sampled((used - before).Seconds() / at.Sub(began).Seconds())
	}
	return nil
}

// choose begins or ends to choose. Before and after that Go has as many as it wants.
func (p *processors) choose(chosen bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.chosen, p.width = chosen, width{}
	p.widen()
}

// sampled chooses the number when so many were busy.
func (p *processors) sampled(busy float64) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.demanded > 0 {
		return
	}
	now := runtime.GOMAXPROCS(0)
	switch next := p.width.next(busy, now, p.most); next { // a change stops all goroutines for a moment
	case now:
	case p.most:
		p.widen()
	default:
		runtime.GOMAXPROCS(next)
	}
}

func (p *processors) widen() {
	runtime.SetDefaultGOMAXPROCS() // which also obeys a limit of the container
	p.most = runtime.GOMAXPROCS(0)
}

// all lets Go have all processors, from now on until done is called.
func (p *processors) all() (done func()) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.demanded++
	if p.chosen && runtime.GOMAXPROCS(0) < p.most {
		p.widen()
	}
	return func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.demanded--
	}
}

// processorTime returns what the threads of this process have used so far.
func processorTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(fmt.Errorf("ask for the processor time of this process: %w", err)) // it fails for misuse only
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// learners is how many runs learn at a time: a run has stretches that only one processor works on. Each takes two bytes a customer
// beside the rows that they share, so there are not more than eight.
var learners = min(runtime.GOMAXPROCS(0), 8)

// learner learns on all processors from the start.
type learner struct {
	control.Learner
	processors *processors
}

func (l *learner) Learn(ctx context.Context, lesson learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	defer l.processors.all()()
	return l.Learner.Learn(ctx, lesson, report)
}
