package control

import (
	"context"
	"sync"
)

// takenIDs knows which ids expansions have or had. The zero value is ready.
type takenIDs struct {
	mutex    sync.Mutex
	ids      map[string]bool
	begun    chan struct{}   // closed when the first term begins
	complete chan struct{}   // closed once the ids are there that all earlier terms have taken
	givenUp  <-chan struct{} // closed when the ctx of the last Run ends

	beginOnce, completeOnce sync.Once
}

// Taken reports whether an expansion has this id, or had it: no segment may take it then. One that was never committed has it
// for as long as one of its requests waits or runs. It waits until Run has read what
// there is, but not beyond the end of Run's ctx; so it is only for those who live beside Run.
func (c *Controller) Taken(id string) bool { return c.taken.has(id) }

func (t *takenIDs) has(id string) bool {
	t.mutex.Lock()
	t.open()
	t.mutex.Unlock()
	<-t.begun
	t.mutex.Lock()
	givenUp := t.givenUp
	t.mutex.Unlock()
	select {
	case <-t.complete:
	case <-givenUp:
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.ids[id]
}

// open makes what the zero value lacks. The mutex must be held.
func (t *takenIDs) open() {
	if t.ids == nil {
		t.ids, t.begun, t.complete = map[string]bool{}, make(chan struct{}), make(chan struct{})
	}
}

// begin announces that ids are about to be added, until ctx ends.
func (t *takenIDs) begin(ctx context.Context) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.open()
	t.givenUp = ctx.Done()
	t.beginOnce.Do(func() { close(t.begun) })
}

// allAdded announces that all ids are there that were taken before this term.
func (t *takenIDs) allAdded() {
	t.completeOnce.Do(func() { close(t.complete) })
}

func (t *takenIDs) remove(id string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(t.ids, id)
}

func (t *takenIDs) add(id string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.ids[id] = true
}
