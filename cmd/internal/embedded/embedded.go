// Package embedded runs a Kafka and a Redis inside this process, on the loopback interface: for the demo, for
// `serve --embedded`, for tests. Any client can join in.
//
// The Kafka keeps its log in a directory that one process may use at a time: what was acknowledged survives a clean end
// whole and a kill of the process too (not a power cut: nothing waits for the disk). The Redis keeps nothing.
// It refuses to listen to other machines: neither server asks for a password.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Options say where the two servers listen and what they keep.
type Options struct {
	Dir       string // holds Kafka's log; created when missing. Empty: a temporary one, removed by Close
	KafkaAddr string // host:port on loopback; empty or port 0: the system chooses the port
	RedisAddr string // likewise
}

// Pair is a running Kafka and a running Redis.
type Pair struct {
	KafkaAddr string // host:port that clients connect to
	RedisAddr string
	Readable  bool // other users of this machine can look into the directory, which was there before

	kafka *kfake.Cluster
	once  sync.Once
	after []func() error // what Close has left to do, last first
	err   error
}

const loopback = "127.0.0.1:0"

// Start starts both and returns when both answer. Ending ctx does not stop them later: Close does.
func Start(ctx context.Context, o Options) (*Pair, error) {
	p := new(Pair)
	if err := p.start(ctx, o); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Pair) start(ctx context.Context, o Options) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	dir, err := p.directory(o.Dir)
	if err != nil {
		return err
	}
	if err := p.startKafka(ctx, dir, o.KafkaAddr); err != nil {
		return fmt.Errorf("start the embedded kafka in %s: %w", dir, err)
	}
	if err := p.startRedis(ctx, o.RedisAddr); err != nil {
		return fmt.Errorf("start the embedded redis: %w", err)
	}
	return nil
}

// directory makes dir and locks it: two Kafkas in one directory would destroy each other's log.
func (p *Pair) directory(dir string) (string, error) {
	if dir == "" {
		made, err := os.MkdirTemp("", "kindred-")
		if err != nil {
			return "", fmt.Errorf("make a temporary directory for the embedded kafka: %w", err)
		}
		p.after = append(p.after, func() error { return os.RemoveAll(made) })
		dir = made
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the directory of the embedded kafka: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("look at the directory of the embedded kafka: %w", err)
	}
	p.Readable = info.Mode().Perm()&0o077 != 0
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	p.after = append(p.after, unlock)
	return dir, nil
}

func (p *Pair) startKafka(ctx context.Context, dir, addr string) error {
	addr, err := onLoopback(ctx, addr)
	if err != nil {
		return err
	}
	listen := func(network, _ string) (net.Listener, error) { // the address it is given is the port alone
		inner, err := new(net.ListenConfig).Listen(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &guardedListener{Listener: inner}, nil
	}
	kafka, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.DataDir(filepath.Join(dir, "kafka")),
		kfake.ListenFn(listen),
		kfake.GroupMinSessionTimeout(shortestSession),
		kfake.BrokerConfigs(map[string]string{
			// The server deletes by age from compacted topics too, a week unless told otherwise: a profile that nobody
			// has touched for a week would be gone. Topics that are to forget say so themselves (retention.ms).
			"log.retention.ms": "-1",
			// It stands still while it compacts, some 4 s for a million records; once an hour is too often for that.
			"log.cleaner.backoff.ms": "86400000",
		}),
	)
	if err != nil {
		return err
	}
	p.kafka, p.KafkaAddr = kafka, kafka.ListenAddrs()[0]
	p.after = append(p.after, func() error { kafka.Close(); return nil })
	return nil
}

func (p *Pair) startRedis(ctx context.Context, addr string) error {
	addr, err := onLoopback(ctx, addr)
	if err != nil {
		return err
	}
	redis, err := startRedis(ctx, addr)
	if err != nil {
		return err
	}
	p.RedisAddr = redis.listener.Addr().String()
	p.after = append(p.after, redis.close)
	return nil
}

// Compact cleans the compacted topics now; meanwhile no request is served. By itself that happens once a day.
func (p *Pair) Compact() { p.kafka.Compact() }

// TrimTo deletes the records of a partition below an offset, so that the partition starts there.
func (p *Pair) TrimTo(topic string, partition int, offset int64) error {
	return p.kafka.DeleteRecords(topic, int32(partition), offset)
}

// Close stops both and frees the directory. Connections that are open break. It may be called again.
func (p *Pair) Close() error {
	p.once.Do(func() {
		for i := len(p.after) - 1; i >= 0; i-- {
			p.err = errors.Join(p.err, p.after[i]())
		}
	})
	return p.err
}

// onLoopback refuses an address that other machines could reach.
func onLoopback(ctx context.Context, addr string) (string, error) {
	if addr == "" {
		return loopback, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	found, err := new(net.Resolver).LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	for _, ip := range found {
		if !ip.IsLoopback() {
			return "", fmt.Errorf("listen on %s: the embedded servers ask nobody for a password, so only an address "+
				"of this machine's loopback will do, such as 127.0.0.1:%s", addr, port)
		}
	}
	return addr, nil
}
