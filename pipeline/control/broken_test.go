package control_test

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"sync/atomic"
	"time"

	"kindred/pipeline/learn"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// leaderless is a reader to whom one topic has no leader that could say where it ends.
type leaderless struct {
	wire.Reader
	topic string
}

func (l leaderless) Ends(ctx context.Context, of []wire.Position) ([]int64, error) {
	if slices.ContainsFunc(of, func(p wire.Position) bool { return p.Topic == l.topic }) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return l.Reader.Ends(ctx, of)
}

// spoiling is a reader to whom the batch at an offset of a topic says that it is compressed, which it is not.
type spoiling struct {
	wire.Reader
	topic  string
	offset int64
}

func (s spoiling) Fetch(ctx context.Context, from []wire.Position, wait time.Duration) ([]wire.Fetched, error) {
	fetched, err := s.Reader.Fetch(ctx, from, wait)
	for i := range fetched {
		if fetched[i].Topic == s.topic {
			fetched[i].Data = slices.Clone(fetched[i].Data)
			s.spoil(fetched[i].Data)
		}
	}
	return fetched, err
}

func (s spoiling) spoil(data []byte) {
	const atLength, atChecksum, atAttributes, header = 8, 17, 21, 61
	for len(data) >= header {
		end := atLength + 4 + int(binary.BigEndian.Uint32(data[atLength:]))
		if end > len(data) {
			return
		}
		if int64(binary.BigEndian.Uint64(data)) == s.offset {
			data[atAttributes+1] |= 1 // gzip
			sum := crc32.Checksum(data[atAttributes:end], crc32.MakeTable(crc32.Castagnoli))
			binary.BigEndian.PutUint32(data[atChecksum:], sum)
		}
		data = data[end:]
	}
}

// panicking panics when it is to learn for x.
type panicking struct{ *learner }

func (p panicking) Learn(ctx context.Context, l learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	if l.ExpansionID == "x" {
		panic("what nobody has thought of")
	}
	return p.learner.Learn(ctx, l, report)
}

// failing cannot learn for x yet.
type failing struct {
	*learner
	over atomic.Bool
}

func (f *failing) Learn(ctx context.Context, l learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	if l.ExpansionID == "x" && !f.over.Load() {
		report(schemas.Training, 0.5)
		return nil, errors.New("the cache is away")
	}
	return f.learner.Learn(ctx, l, report)
}

// holding learns x at once, and all others not before their ctx ends.
type holding struct{ *learner }

func (h holding) Learn(ctx context.Context, l learn.Lesson, report func(schemas.Stage, float64)) (*learn.Result, error) {
	if l.ExpansionID == "x" {
		return (&learner{}).Learn(ctx, l, report)
	}
	return h.learner.Learn(ctx, l, report)
}
