package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Claim takes the right to write a shard's cache from whoever has it. A fresh claim deletes what is there and begins a
// new incarnation of this build's Layout, which is not ready until a Save has made it so; otherwise the cache stays as it
// is (when there is none it is fresh). Claim before Load: then nothing can change between the two.
//
// A cache that this build cannot use stays too, so that Load can return the reason, but nothing can be stored in it: every
// Exec returns ErrLost until a fresh claim.
func (s *Store) Claim(ctx context.Context, shard int, fresh bool) (*Writer, error) {
	w := &Writer{store: s, shard: shard, keys: s.keys(shard)}
	for {
		err := s.Redis.Watch(ctx, func(tx *redis.Tx) error { return w.claim(ctx, tx, fresh) }, w.keys.meta())
		switch {
		case err == nil:
			return w, nil
		case !errors.Is(err, redis.TxFailedErr): // else the owner before has just saved something
			return nil, fmt.Errorf("claim the cache of shard %d: %w", shard, err)
		}
	}
}

func (w *Writer) claim(ctx context.Context, tx *redis.Tx, fresh bool) error {
	reply := tx.HGetAll(ctx, w.keys.meta())
	meta, err := w.store.metaIn(w.shard, reply)
	if err != nil {
		return err
	}
	w.token = rand.Text()
	if fresh || meta == nil || meta.Damaged == "" && meta.Incarnation == "" {
		return w.begin(ctx, tx, reply.Val())
	}
	w.counter, w.ready = meta.Counter, meta.Ready
	if meta.Damaged != "" {
		w.counter = -1
	}
	return rootCause(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
		if isWrongType(reply.Err()) {
			p.Del(ctx, w.keys.meta())
		}
		p.HSet(ctx, w.keys.meta(), metaToken, w.token)
		return nil
	}))
}

// begin begins a new incarnation in place of the one that the meta in hash is of, whose keys are deleted as far as they can
// be derived from it.
func (w *Writer) begin(ctx context.Context, tx *redis.Tx, hash map[string]string) error {
	w.counter, w.ready = 0, false
	meta, _ := parseMeta(hash, w.store.parts(w.shard)) // of a meta that cannot be read, what can be
	old := w.keys.all(meta)
	return rootCause(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
		const many = 1000 // keys in one command
		for ; len(old) > many; old = old[many:] {
			p.Unlink(ctx, old[:many]...)
		}
		p.Unlink(ctx, old...)
		p.Del(ctx, w.keys.meta())
		p.HSet(ctx, w.keys.meta(), metaLayout, Layout, metaToken, w.token, metaIncarnation, rand.Text(),
			metaCounter, 0, metaReady, 0)
		return nil
	}))
}

// Owns reports whether nobody but the writer has written the cache since its last Exec, so that its mirror is still true:
// what an Exec that failed has not stored the mirror has taken back. A nil Writer owns nothing. With an error nobody knows.
func (s *Store) Owns(ctx context.Context, w *Writer) (bool, error) {
	if w == nil {
		return false, nil
	}
	values, err := s.Redis.HMGet(ctx, w.keys.meta(), metaToken, metaCounter).Result()
	if err != nil {
		return false, fmt.Errorf("ask whose the cache of shard %d is: %w", w.shard, err)
	}
	return w.holds(values), nil
}

// holds reports whether token and counter in the meta are those last written.
func (w *Writer) holds(values []any) bool {
	counter, ok := integer(values[1])
	if !ok || values[0] != w.token {
		return false
	}
	if w.unknown && counter == w.counter+1 { // it was executed: nobody else knows the token
		w.counter = counter
	}
	return counter == w.counter
}
