package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Refusal is a Redis that answers and cannot be used as it is. Trying again is of no use before somebody has changed it, or the
// settings.
type Refusal struct {
	Why   string
	Try   string // the way out
	Login bool   // it is about the user, the password or the rights of the user
}

func (r *Refusal) Error() string { return r.Why }

// Use is what a Store is to be used for.
type Use int

const (
	Reading Use = iota
	Writing
)

// Check returns an error unless Redis can be used: it answers, takes the login, and is not one node of a cluster. To be written,
// it must also be no replica and must not evict keys. What Redis does not tell, as some servers do not, is passed over. Of a
// cluster, every master is looked at. The error is a *Refusal when Redis has answered. Nothing is written.
func (s *Store) Check(ctx context.Context, use Use) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	_, several := s.Redis.(*redis.ClusterClient)
	err := s.eachServer(ctx, func(ctx context.Context, node redis.Cmdable) error {
		info, err := infoOf(ctx, node)
		if err == nil && use == Writing {
			err = writable(info)
		}
		if err == nil && !several && info["cluster_enabled"] == "1" {
			err = oneOfSeveral
		}
		return err
	})
	if err != nil {
		return refusal(err)
	}
	if use == Reading {
		return nil
	}
	// Deleting what is not there changes nothing, and is refused wherever writing is.
	return refusal(s.Redis.Del(ctx, s.Prefix+"check").Err())
}

// Ping returns an error unless Redis answers and takes the login. It is a *Refusal when Redis has answered.
func (s *Store) Ping(ctx context.Context) error { return refusal(s.Redis.Ping(ctx).Err()) }

// writable returns an error when a server, by what it says of itself, cannot be written, or does not keep what is.
func writable(info map[string]string) error {
	switch policy := info["maxmemory_policy"]; {
	case info["role"] == "slave":
		return replica
	case policy != "" && policy != "noeviction":
		return &Refusal{
			Why: fmt.Sprintf("Redis would throw away parts of the cache when its memory is full (maxmemory-policy %s)", policy),
			Try: "redis-cli config set maxmemory-policy noeviction, and the same in its configuration",
		}
	}
	return nil
}

// infoOf reads what a server tells of itself, name by name. A server that does not let itself be asked tells nothing.
func infoOf(ctx context.Context, node redis.Cmdable) (map[string]string, error) {
	text, err := node.Info(ctx).Result()
	var refused redis.Error
	if err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	return parseInfo(text), nil
}

var (
	replica = &Refusal{
		Why: "Redis is a replica, which cannot be written",
		Try: "the address of its primary with --redis",
	}
	oneOfSeveral = &Refusal{
		Why: "Redis is one node of a cluster",
		Try: "name several addresses of the cluster with --redis, such as --redis host1:6379,host2:6379",
	}
)

// refusals say what the first word of an answer of Redis means.
var refusals = map[string]*Refusal{
	"NOAUTH":    {Login: true, Why: "Redis asks for a password", Try: "--redis-password-file, and --redis-user where Redis has users"},
	"WRONGPASS": {Login: true, Why: "Redis does not take the user or the password", Try: "look at --redis-user and --redis-password-file"},
	"READONLY":  replica,
	"MOVED":     oneOfSeveral,
	"ASK":       oneOfSeveral,
	"CLUSTERDOWN": {
		Why: "the Redis Cluster is not complete: some of its keys have no server",
		Try: "redis-cli cluster info on one of its nodes",
	},
	"MISCONF": {
		Why: "Redis takes no writes, as it could not save its last snapshot",
		Try: "look into its log; the cache needs no snapshots: redis-cli config set stop-writes-on-bgsave-error no",
	},
	"OOM": {
		Why: "Redis has no memory left",
		Try: "raise its maxmemory, or take what is not kindred's to another Redis",
	},
}

// refusal makes a *Refusal of what Redis has answered. Any other error says what was being done.
func refusal(err error) error {
	var already *Refusal
	var answer redis.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		return already
	case !errors.As(err, &answer):
		return fmt.Errorf("reach redis: %w", err)
	}
	text := answer.Error()
	word, _, _ := strings.Cut(text, " ")
	switch known := refusals[word]; {
	case known != nil:
		return known
	case word == "NOPERM":
		return &Refusal{Login: true, Why: "Redis does not let the user do what is needed of it: " + text,
			Try: "an ACL rule that lets the user do more, with all keys that begin with --prefix"}
	case strings.Contains(text, "cluster support disabled"):
		return &Refusal{Why: "several addresses were given, and Redis is no cluster", Try: "one address with --redis"}
	case strings.Contains(text, "AUTH") || strings.Contains(text, "invalid password"): // builds of Redis before 6
		return refusals["WRONGPASS"]
	}
	return fmt.Errorf("reach redis: %w", err)
}

// rootCause returns why a transaction was discarded: the first command that Redis refused. Redis' answer to the transaction as a
// whole does not say.
func rootCause(commands []redis.Cmder, err error) error {
	if !redis.IsExecAbortError(err) {
		return err
	}
	for _, command := range commands {
		if e := command.Err(); e != nil && !redis.IsExecAbortError(e) {
			return e
		}
	}
	return err
}
