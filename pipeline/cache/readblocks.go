package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// errTorn means that what was read does not fit together: it was being changed, or some of it is lost.
var errTorn = errors.New("the cache does not fit together")

const (
	readers  = 2 // connections that read blocks
	inFlight = 4 // blocks asked for at a time on each; more make go-redis slower
	spare    = 2 // bytes that go-redis wants behind a value to read it at one go
)

// block is a value of known length to be read. The buffer has spare bytes more than the value.
type block struct {
	key    string
	buffer []byte
}

func (b *block) len() int { return len(b.buffer) - spare }

// readBlocks reads values straight into their buffers. When one is missing or has another length it returns errTorn.
func (s *Store) readBlocks(ctx context.Context, blocks []block) error {
	group, ctx := errgroup.WithContext(ctx)
	for r := range readers {
		group.Go(func() error {
			for i := r * inFlight; i < len(blocks); i += readers * inFlight {
				if err := s.readSome(ctx, blocks[i:min(i+inFlight, len(blocks))]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// readSome reads values in one round trip.
func (s *Store) readSome(ctx context.Context, blocks []block) error {
	values := make([]*redis.ZeroCopyStringCmd, len(blocks))
	_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, b := range blocks {
			values[i] = p.GetToBuffer(ctx, b.key, b.buffer)
		}
		return nil
	})
	switch {
	case errors.Is(err, redis.Nil):
		return fmt.Errorf("one of %s and the next is missing: %w", blocks[0].key, errTorn)
	case err != nil && strings.Contains(err.Error(), "buffer too small"): // go-redis has no name for it
		return fmt.Errorf("one of %s and the next is too long: %w", blocks[0].key, errTorn)
	case err != nil:
		return err
	}
	for i, b := range blocks {
		if n := values[i].Val(); n != b.len() {
			return fmt.Errorf("%s has %d bytes instead of %d: %w", b.key, n, b.len(), errTorn)
		}
	}
	return nil
}

// lengths returns the lengths of values: of the first so many, which are strings, in bytes, of the others, which are hashes,
// in fields; 0 for one that is missing.
func (s *Store) lengths(ctx context.Context, keys []string, strings int) ([]int64, error) {
	replies := make([]*redis.IntCmd, len(keys))
	_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			replies[i] = length(ctx, p, key, i < strings)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	lengths := make([]int64, len(keys))
	for i, reply := range replies {
		lengths[i] = reply.Val()
	}
	return lengths, nil
}

func length(ctx context.Context, p redis.Pipeliner, key string, isString bool) *redis.IntCmd {
	if isString {
		return p.StrLen(ctx, key)
	}
	return p.HLen(ctx, key)
}

// idLengths returns the lengths of the first n blocks of ids: how long their slots are stands nowhere else.
func (s *Store) idLengths(ctx context.Context, k keys, n int) ([]int64, error) {
	names := make([]string, n)
	for b := range names {
		names[b] = k.ids(b)
	}
	lengths, err := s.lengths(ctx, names, len(names))
	if err != nil {
		return nil, err
	}
	for b, length := range lengths {
		if length == 0 || length%(BlockRows*slotStep) != 0 {
			return nil, fmt.Errorf("%s has %d bytes: %w", names[b], length, errTorn)
		}
	}
	return lengths, nil
}

// readRows reads all blocks of rows, none if their width is 0, and those of ids, which have these lengths, into memory that take
// returns.
func (s *Store) readRows(
	ctx context.Context, k keys, width int, lengths []int64, take func(bytes int) []byte,
) (rows, ids [][]byte, err error) {
	blocks := make([]block, 0, 2*len(lengths))
	add := func(key string, length int) []byte {
		buffer := take(length + spare)
		blocks = append(blocks, block{key, buffer})
		return buffer[:length]
	}
	rows, ids = make([][]byte, len(lengths)), make([][]byte, len(lengths))
	for b, length := range lengths {
		if width > 0 {
			rows[b] = add(k.rows(b), BlockRows*width)
		}
		ids[b] = add(k.ids(b), int(length))
	}
	return rows, ids, s.readBlocks(ctx, blocks)
}

// readListed reads the blocks of a sparse sequence that the meta lists, and passes them to put one after the other.
func (s *Store) readListed(
	ctx context.Context, list []byte, length int, key func(block int) string, put func(block int, bytes []byte),
) error {
	var blocks []block
	numbers := listed(list)
	for _, b := range numbers {
		blocks = append(blocks, block{key(b), make([]byte, length+spare)})
	}
	if err := s.readBlocks(ctx, blocks); err != nil {
		return err
	}
	for i, b := range numbers {
		put(b, blocks[i].buffer[:length])
	}
	return nil
}

func (s *Store) readChunks(ctx context.Context, k keys, g *Segment, list []byte) error {
	key := func(chunk int) string { return k.segment(g.name, chunk) }
	return s.readListed(ctx, list, chunkBytes, key, g.members.put)
}

func (s *Store) readStates(ctx context.Context, k keys, p *Published, list []byte) error {
	key := func(block int) string { return k.published(p.expansion, block) }
	return s.readListed(ctx, list, stateBlock, key, p.put)
}
