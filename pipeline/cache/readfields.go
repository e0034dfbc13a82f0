package cache

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"kindred/pipeline/format"
)

// storedField is a field of the hash of fields, by position.
type storedField struct {
	Name     string `json:"name"`
	Number   int    `json:"number"` // place among the fields with numbers; -1: none
	Overflow bool   `json:"overflow"`
}

const unkeptName = "unkept" // field of the hash of fields beside the positions

// dictionaries are a shard's fields as stored.
type dictionaries struct {
	fields []storedField
	texts  [][]string // by position and code; [0] is unused
	sizes  []int      // values of each
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
	d.texts, d.sizes = make([][]string, len(d.fields)), make([]int, len(d.fields))
	for position, reply := range replies {
		d.sizes[position] = len(reply.Val())
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

// whole returns an error when fields or values are missing of those that a meta says there are: old codes would get new
// meanings.
func (d *dictionaries) whole(m *Meta) error {
	if len(d.fields) != len(m.dictionaries) {
		return fmt.Errorf("there are %d fields instead of %d: %w", len(d.fields), len(m.dictionaries), errTorn)
	}
	for position, size := range d.sizes {
		if size != m.dictionaries[position] {
			return fmt.Errorf("dictionary %d has %d values instead of %d: %w", position, size, m.dictionaries[position], errTorn)
		}
	}
	return nil
}

// numbers is how many fields hold numbers.
func (d *dictionaries) numbers() int {
	numbers := 0
	for i := range d.fields {
		numbers = max(numbers, d.fields[i].Number+1)
	}
	return numbers
}

// fit reports whether rows of a width have room for the fields.
func (d *dictionaries) fit(width int) bool {
	return len(d.fields) <= mostFields && widthFor(len(d.fields), d.numbers()) <= width
}

// formats returns the fields as they lie in rows of a width.
func (d *dictionaries) formats(width int) []format.Field {
	fields := make([]format.Field, len(d.fields))
	for position, f := range d.fields {
		fields[position] = format.Field{
			Name: f.Name, Code: codeAt(position), Number: -1, Values: d.texts[position], Overflow: f.Overflow, Version: 1,
		}
		if f.Number >= 0 {
			fields[position].Number = numberAt(width, f.Number)
		}
	}
	return fields
}
