package shard_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// Every fetch brings an event, and an event waits whenever the owner has published something.
func TestAPassAdvancesHoweverManyEventsWait(t *testing.T) {
	w := newWorld(t)
	for i := range 2*cache.BlockRows + 10 {
		w.profile("c-"+strconv.Itoa(i), []string{"Oslo", "Bergen"}[i%2])
	}
	events := 0
	w.fetching = func([]wire.Position) {
		events++
		city := []string{"Oslo", "Bergen"}[events%2]
		w.write(w.topic(schemas.Profiles), 0, "busy", fmt.Appendf(nil, `{"fields":{"City":%q}}`, city))
	}
	w.publishing = func(ctx context.Context) {
		for w.owner.Queued() == 0 && ctx.Err() == nil {
			runtime.Gosched()
		}
	}
	w.run()
	defer func() { w.stop() }()
	w.model("x", 1, 5000, "Oslo")
	w.until("the pass of the model is over", func() bool {
		meta, err := w.cache.ReadMeta(t.Context(), 0)
		if err != nil || meta == nil || meta.Expansions["x"] == nil {
			return false
		}
		p := meta.Expansions["x"]
		return p.Epoch == 1 && p.PassDone == p.PassOf && p.Members[3] >= cache.BlockRows
	})
}

// gzipped makes a batch of one record whose value is inflated to many bytes.
func gzipped(t *testing.T, key string, value []byte) []byte {
	t.Helper()
	var b wire.Builder
	b.Add(1_700_000_000_000, []byte(key), value, nil)
	plain := b.Finish(-1, -1, -1, false)
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(plain[61:]); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return sealed(append(append([]byte(nil), plain[:61]...), out.Bytes()...), 1)
}

// Whatever a broker stores in an input: the customers behind it are members, and a dead letter that fits tells of it.
func TestNoRecordStopsAShard(t *testing.T) {
	w := newWorld(t)
	w.profile("before", "Oslo")
	w.appendRaw(w.topic(schemas.Profiles), 0, gzipped(t, "large", []byte(`{"fields":{"City":"`+strings.Repeat("x", 3<<20)+`"}}`)))
	w.appendRaw(w.topic(schemas.Profiles), 0, gzipped(t, "huge", bytes.Repeat([]byte("0"), 20<<20)))
	corrupt := gzipped(t, "corrupt", []byte("{}"))
	w.appendRaw(w.topic(schemas.Profiles), 0, sealed(append(corrupt[:61:61], "no gzip at all"...), 1))
	w.profile("behind", "Oslo")
	w.model("x", 1, 5000, "Oslo")
	w.run()
	w.settle()
	w.check("with records that cannot be read")
	w.stop()
	if got, want := strings.Join(w.letters(), " "), "too_large@1:whole=false,3145750 too_large@2:whole=false,20971520 corrupt_batch@3:whole=false,0"; got != want {
		t.Errorf("dead letters are %q, want %q", got, want)
	}
}

// sealed sets length, compression and checksum of a batch.
func sealed(batch []byte, codec byte) []byte {
	batch[22] |= codec
	binary.BigEndian.PutUint32(batch[8:], uint32(len(batch)-12))
	binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))
	return batch
}

// appendRaw appends a batch of one record as it is.
func (k *kafka) appendRaw(topic string, partition int, batch []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.log(topic, partition)
	binary.BigEndian.PutUint64(batch, uint64(l.end)) // not under the checksum
	l.batches, l.bases = append(l.batches, batch), append(l.bases, l.end)
	l.end++
	close(k.more)
	k.more = make(chan struct{})
}

// letters returns what the dead letters tell, in their order.
func (w *world) letters() (told []string) {
	w.Helper()
	at := wire.Position{Topic: w.topic(schemas.DeadLetters)}
	if err := wire.ReadTo(w.Context(), w, at, w.end(at.Topic, 0), func(r *wire.Record) error {
		d, err := schemas.ReadDeadLetter(r)
		told = append(told, fmt.Sprintf("%s@%d:whole=%v,%d", d.Code, d.Offset, d.Whole(), d.Size))
		return err
	}); err != nil {
		w.Fatal(err)
	}
	return told
}
