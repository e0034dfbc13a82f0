package bench

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"

	"kindred/cmd/internal/demo"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// fullBatch is what an owner publishes at a time, in bytes.
const fullBatch = 768 << 10

// mostRecords bounds a run: with more records it takes longer, and shows the same.
const mostRecords = 2_000_000

// publish publishes memberships as the owners of the shards do; then the same by connections without a client; then, by
// these, batches that were built before.
func (w *world) publish(ctx context.Context) (Measure, error) {
	m := Measure{What: "membership records built and acknowledged by Kafka"}
	n := min(w.Customers, mostRecords)
	var ours, bare, built []float64
	for run := range 1 + w.Repeat {
		if run == 1 { // the first does not count: a broker that has just started compiles its code
			ours, bare, built = nil, nil, nil
		}
		mine, others, before := fmt.Sprintf("bench.ours-%d", run), fmt.Sprintf("bench.bare-%d", run), fmt.Sprintf("bench.built-%d", run)
		if err := w.ensure(ctx, mine, others, before); err != nil {
			return m, err
		}
		rate, err := w.publishAll(ctx, n, func(ctx context.Context, partition int, batch *wire.Builder) error {
			_, err := w.Producer.Publish(ctx, w.Prefix.Topic(mine), partition, batch)
			return err
		})
		if err != nil {
			return m, err
		}
		ours = append(ours, rate)
		if m.Counts, err = w.arrived(ctx, mine, n); err != nil {
			return m, err
		}
		if w.Kafka != "" {
			if rate, err = w.publishBare(ctx, n, others); err != nil {
				return m, fmt.Errorf("bare producer: %w", err)
			}
			bare = append(bare, rate)
			if rate, err = w.publishBuilt(n, before); err != nil {
				return m, fmt.Errorf("bare producer: %w", err)
			}
			built = append(built, rate)
		}
		if err := w.Delete(ctx, w.Prefix.Topic(mine), w.Prefix.Topic(others), w.Prefix.Topic(before)); err != nil {
			return m, err
		}
	}
	m.Figures = []Figure{
		figure("memberships", PerSecond, ours).against("bare producer, same bytes", bare),
	}
	if len(bare) == 0 {
		m.Notes = append(m.Notes, noBare("Kafka"))
	} else {
		m.Figures = append(m.Figures, figure("bare producer", PerSecond, bare).against("batches built before", built))
	}
	return m, nil
}

// ensure makes topics like memberships.
func (w *world) ensure(ctx context.Context, names ...string) error {
	var topics []schemas.Topic
	for _, name := range names {
		topics = append(topics, schemas.Topic{Name: name, Partitions: w.Shards, Config: map[string]string{"cleanup.policy": "compact"}})
	}
	return w.create(ctx, topics)
}

// arrived checks that a topic has n records.
func (w *world) arrived(ctx context.Context, name string, n int) (map[string]int64, error) {
	ends, err := w.ends(ctx, name)
	if err != nil {
		return nil, err
	}
	records, bytes, err := w.count(ctx, ends)
	if err == nil && records != int64(n) {
		err = fmt.Errorf("%d records are in %s of %d", records, name, n)
	}
	return map[string]int64{"records": records, "bytes": bytes}, err
}

// publishAll sends n memberships, to every partition from a goroutine of its own, as owners do, and returns how many
// a second those were.
func (w *world) publishAll(ctx context.Context, n int, send func(context.Context, int, *wire.Builder) error) (float64, error) {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for partition := range w.Shards {
		group.Go(func() error {
			var batch wire.Builder
			var r record
			for customer := partition; customer < n; {
				customer = r.fill(&batch, customer, n, w.Shards)
				if err := send(ctx, partition, &batch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return perSecond(n, time.Since(began)), err
}

// publishBare does the same over a connection without a client for every partition.
func (w *world) publishBare(ctx context.Context, n int, name string) (float64, error) {
	connections, err := dialKafkas(w.Kafka, w.Shards)
	if err != nil {
		return 0, err
	}
	defer closeAll(connections)
	return w.publishAll(ctx, n, func(_ context.Context, partition int, batch *wire.Builder) error {
		batch.Compress(w.Producer.Compression)
		connections[partition].set(w.Prefix.Topic(name), partition, batch)
		return connections[partition].send()
	})
}

// publishBuilt sends the first batch of every partition again and again until Kafka has taken n records.
func (w *world) publishBuilt(n int, name string) (float64, error) {
	connections, err := dialKafkas(w.Kafka, w.Shards)
	if err != nil {
		return 0, err
	}
	defer closeAll(connections)
	var r record
	for partition, c := range connections {
		var batch wire.Builder
		r.fill(&batch, partition, n, w.Shards)
		batch.Compress(w.Producer.Compression)
		c.set(w.Prefix.Topic(name), partition, &batch)
	}
	began := time.Now()
	var sent atomic.Int64
	var group errgroup.Group
	for _, c := range connections {
		group.Go(func() error {
			for sent.Load() < int64(n) {
				if err := c.send(); err != nil {
					return err
				}
				sent.Add(int64(c.records))
			}
			return nil
		})
	}
	err = group.Wait()
	return perSecond(sent.Load(), time.Since(began)), err
}

// record builds membership records like those of an owner, with the same headers.
type record struct {
	key, value, customer []byte
	headers              wire.Headers
}

// fill makes a batch of every step-th customer from the first on, and returns the first of the next batch.
func (r *record) fill(batch *wire.Builder, first, end, step int) (next int) {
	batch.Reset()
	for next = first; next < end && batch.Size() < fullBatch; next += step {
		r.add(batch, next)
	}
	return next
}

const idAt = 1 + 1 + len(schemas.HeaderID) + 1 // in the headers: a count, a length, the key, a length

func (r *record) add(batch *wire.Builder, customer int) {
	if r.headers == nil {
		r.headers = wire.AppendHeaders(nil,
			wire.Header{Key: schemas.HeaderID, Value: []byte("eight-bytes")},
			wire.Header{Key: schemas.HeaderSpecVersion, Value: []byte("1.0")},
			wire.Header{Key: schemas.HeaderSource, Value: []byte("kindred")},
			wire.Header{Key: schemas.HeaderType, Value: []byte(schemas.TypeMembershipEntered)},
			wire.Header{Key: schemas.HeaderContentType, Value: []byte("application/json")},
			wire.Header{Key: schemas.HeaderCause, Value: []byte("run")},
		)
	}
	const changed = 1_795_000_000_000 // ms
	r.customer = demo.AppendID(r.customer[:0], customer)
	r.key = append(append(r.key[:0], firstExpansion+"/"...), r.customer...)
	sum := xxhash.Sum64(r.key)
	var id [8]byte
	for i := range id {
		id[i] = byte(sum >> (8 * i))
	}
	base64.RawURLEncoding.Encode(r.headers[idAt:], id[:])
	score := 5500 + int(sum%4501)
	r.value = schemas.AppendMembership(r.value[:0], firstExpansion, r.customer, score, 1+score/6000+score/8000, 1, "bench", changed)
	batch.Add(changed, r.key, r.value, r.headers)
}
