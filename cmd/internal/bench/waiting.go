package bench

import (
	"bytes"
	"slices"
	"sync/atomic"
	"time"
)

// waiting takes the time from when something was due for a customer until it was seen. One goroutine expects, one sees.
type waiting struct {
	due       []atomic.Int64 // by customer: when the last was due, ns since 1970; 0: nothing was
	latencies []time.Duration
}

func newWaiting(customers int) waiting { return waiting{due: make([]atomic.Int64, customers)} }

func (w *waiting) expect(customer int, due time.Time) { w.due[customer].Store(due.UnixNano()) }

// see takes the time since the customer's last was due. Where a record has the time of its cause (ms since 1970; 0: it
// has not) and that was an earlier one, the earlier one counts.
func (w *waiting) see(came time.Time, customer int, cause int64) {
	if customer < 0 || customer >= len(w.due) {
		return
	}
	due := w.due[customer].Load()
	if due == 0 {
		return
	}
	at := time.Unix(0, due)
	if cause > 0 && cause < at.UnixMilli() {
		at = time.UnixMilli(cause)
	}
	w.latencies = append(w.latencies, came.Sub(at))
}

func (w *waiting) longest() time.Duration { return slices.Max(w.latencies) }

var quantileNames = [...]string{"p50", "p99", "p99.9", "longest"}

// quantiles are in ms: of each kind one a run.
type quantiles [len(quantileNames)][]float64

// add adds a run. A quantile is the shortest time within which that share of all events was seen.
func (q *quantiles) add(latencies []time.Duration) {
	slices.Sort(latencies)
	for i, thousandths := range [...]int{500, 990, 999, 1000} {
		rank := (thousandths*len(latencies) + 999) / 1000 // from 1 on
		q[i] = append(q[i], float64(latencies[max(rank, 1)-1])/float64(time.Millisecond))
	}
}

// changedAt returns the time of the cause of a membership, in ms since 1970; 0: it has none, being a tombstone.
func changedAt(value []byte) int64 {
	const name = `"changedAt":"`
	i := bytes.LastIndex(value, []byte(name))
	if i < 0 {
		return 0
	}
	text, _, _ := bytes.Cut(value[i+len(name):], []byte(`"`))
	at, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return 0
	}
	return at.UnixMilli()
}
