package control

import (
	"context"
	"sync"
)

// register knows which ids expansions have or had. The zero value is ready.
type register struct {
	mutex sync.Mutex
	ids   map[string]bool
	began chan struct{}   // closed when somebody first begins to fill it
	whole chan struct{}   // closed once all that earlier lives have taken is there
	over  <-chan struct{} // closed when whoever fills it gives up
	state int             // how many of the first two are closed
}

// Taken says whether an expansion has this id, or had it: no segment may take it then. Until Run has read what there is
// it waits, but not beyond the end of Run's ctx; so it is only for who lives beside Run.
func (c *Controller) Taken(id string) bool { return c.register.has(id) }

func (r *register) has(id string) bool {
	r.mutex.Lock()
	r.open()
	r.mutex.Unlock()
	<-r.began
	r.mutex.Lock()
	over := r.over
	r.mutex.Unlock()
	select {
	case <-r.whole:
	case <-over:
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.ids[id]
}

// open makes what is needed. The mutex must be held.
func (r *register) open() {
	if r.ids == nil {
		r.ids, r.began, r.whole = map[string]bool{}, make(chan struct{}), make(chan struct{})
	}
}

// begin says that ids are about to come, until ctx ends.
func (r *register) begin(ctx context.Context) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.open()
	r.over = ctx.Done()
	if r.state == 0 {
		r.state = 1
		close(r.began)
	}
}

// complete says that all ids are there that were taken before.
func (r *register) complete() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.state == 1 {
		r.state = 2
		close(r.whole)
	}
}

func (r *register) add(id string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.ids[id] = true
}
