package shard

import "time"

// Queued returns how many batches wait to be applied.
func (o *Owner) Queued() int { return len(o.inputs.queue) }

// Freeze makes an owner that does not run believe that it had caught up so much longer ago.
func (o *Owner) Freeze(d time.Duration) { o.fresh = o.fresh.Add(-d) }
