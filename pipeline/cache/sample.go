package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"kindred/pipeline/format"
)

// Rows are some rows of a shard, without the ids of their customers.
type Rows struct {
	Fields []format.Field
	Width  int    // bytes of a row
	Bytes  []byte // Width each
}

// askedAtOnce is how many rows are asked for in one round trip.
const askedAtOnce = 1000

// Sample reads every so many-th row of a shard's cache, as Scan reads all: what customers are like, at a price that does not grow
// with them. Customers lie in the order in which they came; so single rows are read, and not some blocks.
func (s *Store) Sample(ctx context.Context, shard, every int) (*Rows, error) {
	var sampled *Rows
	err := s.untorn(ctx, func() (err error) {
		sampled, err = s.sample(ctx, shard, every)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sample shard %d: %w", shard, err)
	}
	return sampled, nil
}

func (s *Store) sample(ctx context.Context, shard, every int) (*Rows, error) {
	before, err := s.ReadMeta(ctx, shard)
	if err != nil {
		return nil, err
	}
	if before == nil || !before.Ready {
		return nil, ErrNotReady
	}
	k, r := s.keys(shard), &Rows{Width: before.Width}
	if every == 1 {
		err = s.allRows(ctx, k, before.Rows, r)
	} else {
		err = s.someRows(ctx, k, before.Rows, every, r)
	}
	if err != nil {
		return nil, err
	}
	d, _, err := s.readWhole(ctx, k, shard, before)
	if err != nil {
		return nil, err
	}
	r.Fields = d.formats(r.Width)
	return r, nil
}

// allRows reads whole blocks.
func (s *Store) allRows(ctx context.Context, k keys, rows int, r *Rows) error {
	size := BlockRows * r.Width
	buffer := make([]byte, blocksOf(rows)*(size+spare))
	blocks := make([]block, blocksOf(rows))
	for b := range blocks {
		blocks[b] = block{k.rows(b), buffer[b*(size+spare) : (b+1)*(size+spare)]}
	}
	if err := s.readBlocks(ctx, blocks); err != nil {
		return err
	}
	for _, b := range blocks {
		r.Bytes = append(r.Bytes, b.buffer[:size]...)
	}
	r.Bytes = r.Bytes[:rows*r.Width]
	return nil
}

// someRows reads single rows, the first of them in the middle of the first so many.
func (s *Store) someRows(ctx context.Context, k keys, rows, every int, r *Rows) error {
	for row := every / 2; row < rows; {
		var replies []*redis.StringCmd
		_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for ; row < rows && len(replies) < askedAtOnce; row += every {
				at := int64(row % BlockRows * r.Width)
				replies = append(replies, p.GetRange(ctx, k.rows(row/BlockRows), at, at+int64(r.Width)-1))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, reply := range replies {
			if len(reply.Val()) != r.Width {
				return fmt.Errorf("a row has %d bytes instead of %d: %w", len(reply.Val()), r.Width, errTorn)
			}
			r.Bytes = append(r.Bytes, reply.Val()...)
		}
	}
	return nil
}

// ReadModel reads an expansion's model as the owner of a shard has kept it; nil: there is none.
func (s *Store) ReadModel(ctx context.Context, shard int, expansion string) ([]byte, error) {
	raw, err := s.Redis.Get(ctx, s.keys(shard).model(expansion)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a model of shard %d: %w", shard, err)
	}
	return raw, nil
}
