package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// scan reads all shards into memory, scores every candidate, and finds the cut: as a run does, without the fit.
func (w *world) scan(ctx context.Context) (Measure, error) {
	m := Measure{What: "every customer from Redis into the matrix, ids included; scored; the cut found"}
	decides, err := w.model(ctx)
	if err != nil {
		return m, err
	}
	var reads, scores, wholes, bare, bandwidth []float64
	s := &scanning{world: w, model: decides, views: make([]*cache.View, w.Shards), counted: make([]selection.Histogram, w.Shards)}
	if err := s.each(ctx, s.read); err != nil { // into memory that later runs use again
		return m, err
	}
	s.count()
	for range w.Repeat {
		given, err := w.getBare(s.views)
		if err != nil {
			return m, err
		}
		if given > 0 {
			bare = append(bare, perSecond(s.customers, given))
		}
		began := time.Now()
		if err := s.each(ctx, s.read); err != nil {
			return m, err
		}
		reads = append(reads, perSecond(s.customers, time.Since(began)))

		bandwidth = append(bandwidth, perSecond(s.customers, s.sum()))
		began = time.Now()
		for shard := range s.views {
			s.score(shard)
		}
		s.choose()
		scores = append(scores, perSecond(s.customers, time.Since(began)))

		began = time.Now()
		if err := s.each(ctx, s.readAndScore); err != nil {
			return m, err
		}
		s.choose()
		wholes = append(wholes, perSecond(s.customers, time.Since(began)))
		if err := s.check(w.first.Report.Counts); err != nil {
			return m, err
		}
	}
	m.Counts = map[string]int64{
		"customers": s.customers, "candidates": s.chosen.Candidates, "members": s.chosen.Members, "bytes": s.bytes,
	}
	m.Figures = []Figure{
		figure("read", PerSecond, reads).against("bare GETs of the same", bare),
		figure("score and cut", PerCore, scores).against("adding up the rows", bandwidth),
		figure("all of it, all cores", PerSecond, wholes).against("bare GETs of the same", bare),
	}
	if len(bare) == 0 {
		m.Notes = append(m.Notes, noBare("Redis"))
	}
	return m, nil
}

// model reads the first expansion's model from Kafka.
func (w *world) model(ctx context.Context) (found *model.Model, err error) {
	ends, err := w.ends(ctx, schemas.Models)
	if err != nil {
		return nil, err
	}
	err = wire.ReadTo(ctx, w.Fetcher, wire.Position{Topic: ends[0].Topic}, ends[0].Offset, func(r *wire.Record) error {
		if string(r.Key) != firstExpansion {
			return nil
		}
		found, err = model.Decode(r.Value)
		return err
	})
	if err == nil && found == nil {
		err = fmt.Errorf("there is no model of %s", firstExpansion)
	}
	return found, err
}

// scanning is what a scan has read and found.
type scanning struct {
	*world
	model   *model.Model
	views   []*cache.View         // by shard
	counted []selection.Histogram // candidates by score, by shard

	customers int64 // rows
	bytes     int64 // of rows and ids
	chosen    selection.Choice
	checksum  uint64 // so that adding up is not optimised away
}

// each works on as many shards at a time as there are cores.
func (s *scanning) each(ctx context.Context, work func(ctx context.Context, shard int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for shard := range s.views {
		group.Go(func() error { return work(ctx, shard) })
	}
	return group.Wait()
}

func (s *scanning) read(ctx context.Context, shard int) (err error) {
	s.views[shard], err = s.Cache.Scan(ctx, shard, cache.Want{Segments: []string{vip}, Into: s.views[shard]})
	return err
}

func (s *scanning) readAndScore(ctx context.Context, shard int) error {
	if err := s.read(ctx, shard); err != nil {
		return err
	}
	s.score(shard)
	return nil
}

// count counts the customers and the bytes of all shards.
func (s *scanning) count() {
	for _, v := range s.views {
		s.customers += int64(v.NumRows)
		for b := range v.Blocks() {
			s.bytes += int64(stored(v, b))
		}
	}
}

// score scores a shard, as a run does.
func (s *scanning) score(shard int) {
	_, counted, _ := learn.Score(s.model, s.views[shard])
	s.counted[shard] = *counted
}

// choose finds the cut in what all shards have counted.
func (s *scanning) choose() {
	var all selection.Histogram
	for shard := range s.counted {
		all.Add(&s.counted[shard])
	}
	s.chosen = selection.Choose(&all, selection.PresetOf(&s.model.Definition).Rule(&s.model.Definition))
}

// sum adds up all rows, which no scoring can be quicker than, and returns how long that took.
func (s *scanning) sum() time.Duration {
	began := time.Now()
	var a, b, c, d uint64
	for _, v := range s.views {
		for block := range v.Blocks() {
			for rows := v.Rows(block); len(rows) >= 32; rows = rows[32:] {
				a += binary.LittleEndian.Uint64(rows)
				b += binary.LittleEndian.Uint64(rows[8:])
				c += binary.LittleEndian.Uint64(rows[16:])
				d += binary.LittleEndian.Uint64(rows[24:])
			}
		}
	}
	s.checksum += a + b + c + d
	return time.Since(began)
}

// check compares what was found with what the run had found, which did the same.
func (s *scanning) check(counts schemas.Counts) error {
	if s.customers != int64(s.Customers) || s.chosen.Candidates != counts.Candidates || s.chosen.Members != counts.Members {
		return fmt.Errorf("scanned %d customers, found %d candidates and %d members; the run had found %d and %d of %d",
			s.customers, s.chosen.Candidates, s.chosen.Members, counts.Candidates, counts.Members, s.Customers)
	}
	return nil
}

func noBare(server string) string {
	return "the limit was not measured: a bare connection to this " + server + " will not do (encryption, password or several addresses)"
}
