package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// errTorn says that what was read does not fit together: it was being changed, or some of it is lost.
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

// readBlocks reads values straight into their buffers. One that is missing or has another length makes it errTorn.
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

// lengths gives the lengths of values, 0 for one that is missing.
func (s *Store) lengths(ctx context.Context, keys []string) ([]int64, error) {
	replies := make([]*redis.IntCmd, len(keys))
	_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			replies[i] = p.StrLen(ctx, key)
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

// dictionaries are a shard's fields as stored.
type dictionaries struct {
	fields []storedField
	texts  [][]string // by position and code; [0] is unused
	unkept Unkept
}

func (s *Store) readFields(ctx context.Context, k keys) (*dictionaries, error) {
	hash, err := s.Redis.HGetAll(ctx, k.fields()).Result()
	if err != nil {
		return nil, err
	}
	d := new(dictionaries)
	if text, ok := hash[unkeptName]; ok {
		if err := json.Unmarshal([]byte(text), &d.unkept); err != nil {
			return nil, fmt.Errorf("fields that are not kept: %w", errTorn)
		}
		delete(hash, unkeptName)
	}
	d.fields = make([]storedField, len(hash))
	for position := range d.fields {
		if err := json.Unmarshal([]byte(hash[strconv.Itoa(position)]), &d.fields[position]); err != nil {
			return nil, fmt.Errorf("field %d of %d is not there: %w", position, len(hash), errTorn)
		}
	}
	return d, s.readTexts(ctx, k, d)
}

func (s *Store) readTexts(ctx context.Context, k keys, d *dictionaries) error {
	if len(d.fields) == 0 {
		return nil
	}
	replies := make([]*redis.MapStringStringCmd, len(d.fields))
	_, err := s.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for position := range replies {
			replies[position] = p.HGetAll(ctx, k.dict(position))
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.texts = make([][]string, len(d.fields))
	for position, reply := range replies {
		if d.texts[position], err = textsIn(reply.Val()); err != nil {
			return fmt.Errorf("dictionary %d: %w", position, err)
		}
	}
	return nil
}

func textsIn(hash map[string]string) ([]string, error) {
	texts := make([]string, 1, len(hash)+1)
	for name, text := range hash {
		code, err := strconv.Atoi(name)
		if err != nil || code < 1 || code > mostValues {
			return nil, fmt.Errorf("code %.10q: %w", name, errTorn)
		}
		for code >= len(texts) {
			texts = append(texts, "")
		}
		texts[code] = text
	}
	return texts, nil
}

// numbers is how many fields hold numbers.
func (d *dictionaries) numbers() int {
	numbers := 0
	for i := range d.fields {
		numbers = max(numbers, d.fields[i].Number+1)
	}
	return numbers
}

// fit says whether rows of a width have room for the fields.
func (d *dictionaries) fit(width int) bool {
	return len(d.fields) <= mostFields && widthFor(len(d.fields), d.numbers()) <= width
}
