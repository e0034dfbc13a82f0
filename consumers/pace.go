package consumers

import (
	"math"
	"runtime"
	"time"
)

// pace is how soon a line asks again. While little comes in, that is at once. When it is so much that the machine is full,
// requests would compete with what they bring: then the line lets records gather, so that each request brings many.
type pace struct {
	next time.Time // not before

	rate float64 // records a second
	seen time.Time
}

const (
	workOfRecord  = 160 * time.Microsecond // of one core: broker, worker and whoever reads what they publish; about, at 10,000 changes a second
	longestPause  = 2 * time.Millisecond
	shortestPause = longestPause / 6 // less is not worth a timer
	rateOver      = 100 * time.Millisecond
	bulk          = 64 << 10 // bytes of an answer that is large by itself
)

// cores are those that the process may use. It may run Go on fewer of them for a while: the machine is not fuller by that.
var cores = float64(runtime.GOMAXPROCS(0))

// answered notes what an answer has brought.
func (p *pace) answered(now time.Time, records int64, bytes int) {
	p.rate = p.rate*math.Exp(-now.Sub(p.seen).Seconds()/rateOver.Seconds()) + float64(records)/rateOver.Seconds()
	p.seen, p.next = now, now
	if bytes >= bulk {
		return
	}
	full := min(1, p.rate*workOfRecord.Seconds()/cores)
	if pause := time.Duration(full * full * float64(longestPause)); pause >= shortestPause {
		p.next = now.Add(pause)
	}
}
