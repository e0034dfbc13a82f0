package shard

// Queued returns how many batches wait to be applied.
func (o *Owner) Queued() int { return len(o.inputs.queue) }
