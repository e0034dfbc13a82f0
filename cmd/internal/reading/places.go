package reading

import (
	"context"
	"errors"
	"sync"
	"time"
)

// places bounds how many large reads go on at a time in a process, whoever asks: each holds the rows of a shard, or takes a whole
// topic through the network. The zero value has mostReads of them.
type places struct {
	make sync.Once
	free chan struct{}
}

const (
	mostReads    = 2
	readPatience = 5 * time.Second
)

// take waits for a place, for a while. leave gives it back.
func (p *places) take(ctx context.Context) (leave func(), err error) {
	p.make.Do(func() { p.free = make(chan struct{}, mostReads) })
	patience := time.NewTimer(readPatience)
	defer patience.Stop()
	select {
	case p.free <- struct{}{}:
		return func() { <-p.free }, nil
	case <-patience.C:
		return nil, &Refusal{Busy, errors.New("too many are reading members or fields now"), "again in a few seconds"}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
