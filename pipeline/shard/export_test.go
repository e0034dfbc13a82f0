package shard

import "time"

// Queued returns how many batches wait to be applied.
func (o *Owner) Queued() int { return len(o.inputs.queue) }

// ReadBy makes a take-over read its backlog in stretches of so many offsets.
func (o *Owner) ReadBy(offsets int64) { o.stretch = offsets }

// OneByOne lets one shard read at a time, and keep its turn for so long without a record.
func (w *Worker) OneByOne(patience time.Duration) { w.turns.most, w.turns.patience = 1, patience }

// Turns are turns, for a test that takes them itself.
type Turns struct{ turns }

// TwoAtATime returns turns of two who read at a time.
func TwoAtATime() *Turns { return &Turns{turns{most: 2}} }

// Take returns whether the turn of a shard has begun, and a function that ends it.
func (t *Turns) Take(behind, short int64) (begun func() bool, end func()) {
	turn := t.take(behind, short)
	return func() bool {
		select {
		case <-turn.begins:
			return true
		default:
			return false
		}
	}, turn.end
}

// Freeze makes an owner that does not run believe that it had caught up so much longer ago.
func (o *Owner) Freeze(d time.Duration) { o.fresh = o.fresh.Add(-d) }

// Spacings returns how long the next save waits after saves that begin at these times.
func Spacings(begun ...time.Time) (waits []time.Duration) {
	var s saving
	for _, now := range begun {
		s.space(now)
		s.began = now
		waits = append(waits, s.spacing)
	}
	return waits
}
