package main

import (
	"context"
	"runtime"
	"testing"

	"kindred/pipeline/learn"
	"kindred/schemas"
)

func TestAProcessTakesTheProcessorsItHasWorkFor(t *testing.T) {
	const most = 8
	var w width
	now := most
	check := func(what string, busy float64, samples, want int) {
		t.Helper()
		for range samples {
			now = w.next(busy, now, most)
		}
		if now != want {
			t.Errorf("%s: %d processors, want %d", what, now, want)
		}
	}
	check("little to do, not for long", 0.3, settled-1, most)
	check("something in between", 5, 1, most)
	check("little to do, not for long again", 0.3, settled-1, most)
	check("one sample more", 0.3, 1, 1)
	check("half a processor", 0.5, 100, 1)
	check("as much as one processor can do", 0.9, 1, most)
	check("it is work for two", 0.9, settled, 2)
	check("it stays so", 0.9, 100, 2)
	check("a little less once", 0.2, settled-1, 2)
	check("nothing", 0, 1, 1)
	check("all that it can do", 1, 1, most)
	check("three busy, once less", 3, settled-1, most)
	check("what counts is the most", 1, 1, 6)
}

// learning tells on how many processors it learns.
type learning func(processors int)

func (l learning) Learn(context.Context, learn.Lesson, func(schemas.Stage, float64)) (*learn.Result, error) {
	l(runtime.GOMAXPROCS(0))
	return nil, nil
}

func TestARunLearnsOnAllProcessors(t *testing.T) {
	defer runtime.SetDefaultGOMAXPROCS()
	var p processors
	p.choose(true)
	defer p.choose(false)
	all := runtime.GOMAXPROCS(0)
	rest := func() {
		for range settled {
			p.sampled(0)
		}
	}
	check := func(when string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d processors, want %d", when, got, want)
		}
	}
	rest()
	check("at rest", runtime.GOMAXPROCS(0), 1)
	ran := false
	l := learner{processors: &p, Learner: learning(func(n int) {
		check("a run begins", n, all)
		rest()
		check("a run that waits for Redis", runtime.GOMAXPROCS(0), all)
		ran = true
	})}
	if _, err := l.Learn(t.Context(), learn.Lesson{}, nil); err != nil || !ran {
		t.Errorf("it ran: %t, %v", ran, err)
	}
	rest()
	check("after the run", runtime.GOMAXPROCS(0), 1)
	p.sampled(1)
	check("the one is busy", runtime.GOMAXPROCS(0), all)
	rest()
	p.choose(false)
	check("serves no more", runtime.GOMAXPROCS(0), all)
}

// Who has set GOMAXPROCS is obeyed, and a process that serves no more has what it had.
func TestGOMAXPROCSGoesBefore(t *testing.T) {
	defer runtime.SetDefaultGOMAXPROCS()
	t.Setenv("GOMAXPROCS", "3")
	runtime.GOMAXPROCS(3)
	var p processors
	if err := p.run(t.Context()); err != nil || runtime.GOMAXPROCS(0) != 3 {
		t.Errorf("afterwards there are %d processors, %v", runtime.GOMAXPROCS(0), err)
	}
	p.all()()
	if n := runtime.GOMAXPROCS(0); n != 3 {
		t.Errorf("after a run there are %d processors", n)
	}
}
