package producers

import "runtime"

// AwaitQueued waits until so many publications are queued, not in flight.
func AwaitQueued(p *Producer, n int) {
	await(p, func() bool { return len(p.queue) == n })
}

// AwaitRenewals waits until so many calls of Renew wait.
func AwaitRenewals(p *Producer, n int) {
	await(p, func() bool { return len(p.renewals) == n })
}

func await(p *Producer, is func() bool) {
	for {
		p.mutex.Lock()
		so := is()
		p.mutex.Unlock()
		if so {
			return
		}
		runtime.Gosched()
	}
}
