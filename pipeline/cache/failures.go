package cache

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Errors returns how many commands, or pipelines of them, Redis did not answer or answered with an error since the store was
// opened.
func (s *Store) Errors() int64 { return s.failures.Load() }

// failureCount counts failures of the client. That a key is not there is none, nor that a transaction found its keys changed.
type failureCount struct{ n *atomic.Int64 }

func (f failureCount) see(err error, commands ...redis.Cmder) error {
	if len(commands) > 0 && (commands[0].Name() == "client" || commands[0].Name() == "hello") {
		return err // a new connection tries what older servers do not know
	}
	if err != nil && !errors.Is(err, redis.Nil) && !errors.Is(err, redis.TxFailedErr) && !errors.Is(err, context.Canceled) {
		f.n.Add(1)
	}
	return err
}

func (f failureCount) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (f failureCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error { return f.see(next(ctx, command), command) }
}

func (f failureCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		return f.see(next(ctx, commands), commands...)
	}
}
