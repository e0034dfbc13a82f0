package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Writer is the right to write one shard's cache, until somebody else claims it. It is for one goroutine at a time.
type Writer struct {
	store *Store
	shard int
	keys  keys
	// Invariant: every transaction demands that the meta holds this token and this counter. Only a claim writes a token, so
	// that a meta which was lost, and what another owner has written, always show.
	token   string
	counter int64 // of transactions, as last written; -1: nothing can be stored

	ready   bool // as last written
	failed  bool // the last Exec has; smaller pieces may get through
	unknown bool // whether its last transaction was executed is not known
}

const (
	largestSave  = 256 << 20 // bytes of one transaction on a cache that is ready
	pieceOfSave  = 8 << 20   // of one that is not: it holds up other shards less
	smallestSave = 1 << 20   // of one after a failure: over a slow link, too, it is through in time

	pieceTimeout = 10 * time.Second // for one transaction
)

// Exec stores a Save, rows and offsets in one transaction, provided that the cache is as this writer last left it; else
// it changes nothing and returns ErrLost. After any error the mirror must take back what was not stored (Mirror.TakeBack),
// and after ErrLost be marked dirty as a whole and the cache claimed anew.
//
// What is too large, stored while the cache is not ready, or stored after a failure is written in pieces, each with a time
// limit of its own. Until the last one the cache is not ready, so that nobody takes the rows for those of other offsets.
func (w *Writer) Exec(ctx context.Context, save *Save) error {
	err := w.exec(ctx, save)
	if w.failed = err != nil; w.failed {
		return fmt.Errorf("save shard %d: %w", w.shard, err)
	}
	save.done()
	return nil
}

func (w *Writer) exec(ctx context.Context, save *Save) error {
	limit := pieceOfSave
	switch {
	case w.failed:
		limit = smallestSave
	case w.ready && len(save.bytes) <= largestSave:
		limit = largestSave
	}
	for {
		ops := save.ops[save.stored:]
		n := within(ops, limit)
		last := n == len(ops)
		if err := w.transaction(ctx, save, ops[:n], last); err != nil {
			return err
		}
		w.ready = last && save.ready
		save.stored += n
		if last {
			return nil
		}
	}
}

// within returns how many of the first ops have at most so many bytes; at least one.
func within(ops []op, limit int) int {
	bytes := 0
	for i := range ops {
		if bytes += ops[i].bytes.len(); bytes > limit && i > 0 {
			return i
		}
	}
	return len(ops)
}

// transaction writes some of a save, and with the last ones the meta.
func (w *Writer) transaction(ctx context.Context, save *Save, ops []op, last bool) error {
	ctx, cancel := context.WithTimeout(ctx, pieceTimeout)
	defer cancel()
	watched, lengths, strings := w.partial(ops)
	began := false
	err := w.store.Redis.Watch(ctx, func(tx *redis.Tx) error {
		if err := w.demand(ctx, tx, watched[1:], lengths, strings); err != nil {
			return err
		}
		began = true
		return rootCause(tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for i := range ops {
				w.write(ctx, p, save, &ops[i])
			}
			w.writeMeta(ctx, p, save, last)
			return nil
		}))
	}, watched...)
	switch {
	case err == nil:
		w.counter++
		w.unknown = false
		return nil
	case errors.Is(err, redis.TxFailedErr):
		return ErrLost
	case began:
		w.unknown = true
	}
	return err
}

// partial lists the keys to watch: meta, then the blocks, and behind them the hashes, of which only a part is written, each
// with its length now.
func (w *Writer) partial(ops []op) (watched []string, lengths []int64, strings int) {
	watched = append(watched, w.keys.meta())
	for i := range ops {
		if o := &ops[i]; o.how == someRows {
			watched = append(watched, w.keys.of(o))
			lengths = append(lengths, int64(o.bytes.len()/o.rows.len()*BlockRows))
		}
	}
	strings = len(lengths)
	for i := range ops {
		if o := &ops[i]; o.how == hash && !o.replace {
			watched = append(watched, w.keys.of(o))
			lengths = append(lengths, int64(o.held))
		}
	}
	return watched, lengths, strings
}

// demand checks that everything is as it was left. A block or a dictionary that was lost must not be made anew by writing a
// part of it: Redis would fill the block up with zeros, and the rest of the dictionary's codes would mean nothing.
func (w *Writer) demand(ctx context.Context, tx *redis.Tx, keys []string, lengths []int64, strings int) error {
	var held *redis.SliceCmd
	found := make([]*redis.IntCmd, len(keys))
	_, err := tx.Pipelined(ctx, func(p redis.Pipeliner) error {
		held = p.HMGet(ctx, w.keys.meta(), metaToken, metaCounter)
		for i, key := range keys {
			found[i] = length(ctx, p, key, i < strings)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !w.holds(held.Val()) {
		return ErrLost
	}
	for i := range found {
		if found[i].Val() != lengths[i] {
			return ErrLost
		}
	}
	return nil
}

func (w *Writer) writeMeta(ctx context.Context, p redis.Pipeliner, save *Save, last bool) {
	ready := "0"
	values := []any{metaCounter, strconv.FormatInt(w.counter+1, 10)}
	if last {
		values = append(values, metaRevisedAt, values[1])
		for _, text := range save.set {
			values = append(values, text)
		}
		if len(save.unset) > 0 {
			p.HDel(ctx, w.keys.meta(), save.unset...)
		}
		if save.ready {
			ready = "1"
		}
	}
	p.HSet(ctx, w.keys.meta(), append(values, metaReady, ready)...)
}

// write adds the commands of one op.
func (w *Writer) write(ctx context.Context, p redis.Pipeliner, save *Save, o *op) {
	key := w.keys.of(o)
	bytes := save.bytes[o.bytes.from:o.bytes.to]
	switch o.how {
	case whole:
		p.Set(ctx, key, bytes, 0)
	case remove:
		p.Del(ctx, key)
	case someRows:
		each := len(bytes) / o.rows.len()
		for k, row := range save.rows[o.rows.from:o.rows.to] {
			p.Do(ctx, "setrange", key, int(row)*each, bytes[k*each:(k+1)*each])
		}
	case hash:
		writeHash(ctx, p, key, save.texts[o.texts.from:o.texts.to], o.replace)
	}
}

func writeHash(ctx context.Context, p redis.Pipeliner, key string, texts []string, replace bool) {
	if replace {
		p.Del(ctx, key)
	}
	var set []any
	var unset []string
	for i := 0; i < len(texts); i += 2 {
		if name, value := texts[i], texts[i+1]; value != "" {
			set = append(set, name, value)
		} else {
			unset = append(unset, name)
		}
	}
	if len(set) > 0 {
		p.HSet(ctx, key, set...)
	}
	if len(unset) > 0 && !replace {
		p.HDel(ctx, key, unset...)
	}
}
