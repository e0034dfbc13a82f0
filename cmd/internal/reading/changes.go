package reading

import (
	"sync"
	"sync/atomic"
)

// Everything is the name of a change after which nothing that was read before can be relied on.
const Everything = "everything"

// mostChanges is how many changes are remembered. Whoever is further behind is told that everything may have changed.
const mostChanges = 1024

// Changes remembers the names of what has changed last: expansions/ID, segments/ID, runs/ID/RUN, members/ID, fields,
// dead-letters, health, everything.
// However many listen and however slow they are, it holds no more. The zero value remembers nothing yet.
type Changes struct {
	mu    sync.Mutex
	names [mostChanges]string // by number, modulo
	next  int64               // number of the next one
	wake  chan struct{}       // closed with the next one; nil: nobody waits

	listeners atomic.Int64
}

// Add notes that something has changed, and wakes who waits.
func (c *Changes) Add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[c.next%mostChanges] = name
	c.next++
	if c.wake != nil {
		close(c.wake)
		c.wake = nil
	}
}

// Next returns the number that the next change will have.
func (c *Changes) Next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next
}

// Since returns the names of the changes from a number on, each once, and the number to go on with. When some of them are not
// remembered, or the number is none that was given out, that is Everything. When there are none, wake is closed with the next one.
func (c *Changes) Since(number int64) (names []string, next int64, wake <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case number == c.next:
		if c.wake == nil {
			c.wake = make(chan struct{})
		}
		return nil, c.next, c.wake
	case number < max(0, c.next-mostChanges) || number > c.next:
		return []string{Everything}, c.next, nil
	}
	seen := map[string]bool{}
	for ; number < c.next; number++ {
		if name := c.names[number%mostChanges]; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names, c.next, nil
}

// BeforeAll is a number before that of every change.
const BeforeAll = -1

// Listen notes that somebody wants to hear of changes, until stop is called.
func (c *Changes) Listen() (stop func()) {
	c.listeners.Add(1)
	return sync.OnceFunc(func() { c.listeners.Add(-1) })
}

// Listening reports whether anybody wants to hear of changes.
func (c *Changes) Listening() bool { return c.listeners.Load() > 0 }
