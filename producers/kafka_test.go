package producers_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"

	"kindred/pipeline/testkit"
	"kindred/producers"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// server is a Kafka in this process, with a client whose connections a test can break.
type server struct {
	*kfake.Cluster
	addresses []string
	client    *broker.Cluster
	drop      func(written []byte) bool // says of each request (without its size) that its answer is lost; may be nil
	mutex     sync.Mutex
}

func start(t *testing.T, options ...kfake.Opt) *server {
	t.Helper()
	cluster := testkit.Kafka(t, options...)
	s := connect(t, cluster.ListenAddrs()...)
	s.Cluster = cluster
	return s
}

func connect(t *testing.T, addresses ...string) *server {
	s := &server{addresses: addresses}
	transport := &kafka.Transport{Dial: s.dial, MetadataTTL: time.Hour}
	s.client = &broker.Cluster{Client: &kafka.Client{Addr: kafka.TCP(addresses...), Transport: transport}}
	t.Cleanup(transport.CloseIdleConnections)
	return s
}

func (s *server) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return &fragile{Conn: conn, server: s}, err
}

func (s *server) losing(drop func(request []byte) bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.drop = drop
}

// fragile loses the answer to a request: the broker has answered, the client sees the end of the connection.
type fragile struct {
	net.Conn
	server *server
	lost   atomic.Bool
}

func (f *fragile) Write(b []byte) (int, error) {
	f.server.mutex.Lock()
	if drop := f.server.drop; drop != nil && len(b) > 12 {
		f.lost.Store(drop(b[4:]))
	}
	f.server.mutex.Unlock()
	return f.Conn.Write(b)
}

func (f *fragile) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if f.lost.Load() {
		f.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

func apiKey(request []byte) int { return int(binary.BigEndian.Uint16(request)) }

// running gives a producer whose Run ends with the test.
func (s *server) running(t *testing.T) *producers.Producer {
	t.Helper()
	p := &producers.Producer{Cluster: s.client}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return p
}

func (s *server) topic(t *testing.T, name string, partitions int32) {
	t.Helper()
	if err := s.CreateTopic(name, partitions, nil); err != nil {
		t.Fatal(err)
	}
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func batch(values ...string) *wire.Builder {
	b := new(wire.Builder)
	for _, v := range values {
		b.Add(1000, []byte("key"), []byte(v), nil)
	}
	return b
}

// values reads a partition whole, as a read_committed consumer sees it.
func (s *server) values(t *testing.T, topic string, partition int) []string {
	t.Helper()
	var found []string
	s.records(t, topic, partition, func(r *wire.Record) { found = append(found, string(r.Value)) })
	return found
}

// await is values once there are n: a real broker answers a commit before the partitions know of it.
func (s *server) await(t *testing.T, topic string, partition, n int) []string {
	t.Helper()
	for ctx := deadline(t); ; {
		if found := s.values(t, topic, partition); len(found) >= n || ctx.Err() != nil {
			return found
		}
	}
}

func (s *server) records(t *testing.T, topic string, partition int, visit func(*wire.Record)) {
	t.Helper()
	ctx := deadline(t)
	fresh := new(kafka.Transport) // partitions may have moved
	defer fresh.CloseIdleConnections()
	for from := int64(0); ; {
		answer, err := fresh.RoundTrip(ctx, s.client.Client.Addr, &fetch{topic: topic, partition: partition, from: from})
		if err != nil {
			t.Fatal(err)
		}
		set := answer.(*fetch).set
		next, err := set.Each(func(r *wire.Record) error { visit(r); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if next == from {
			return
		}
		from = next
	}
}

// fetch is Fetch version 11 of one partition.
type fetch struct {
	topic     string
	partition int
	from      int64
	set       wire.Set
}

func (f *fetch) ApiKey() protocol.ApiKey                 { return protocol.Fetch }
func (f *fetch) Required(map[protocol.ApiKey]int16) bool { return true }
func (f *fetch) Broker(c protocol.Cluster) (protocol.Broker, error) {
	leader, ok := c.Brokers[c.Topics[f.topic].Partitions[int32(f.partition)].Leader]
	if !ok {
		return leader, fmt.Errorf("no leader of %s/%d", f.topic, f.partition)
	}
	return leader, nil
}

func (f *fetch) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	be := binary.BigEndian
	r := wire.AppendRequest(nil, int16(protocol.Fetch), 11, 7, "test")
	r = be.AppendUint32(r, 0xffffffff) // replica
	r = be.AppendUint32(r, 0)          // wait
	r = be.AppendUint32(r, 0)          // at least
	r = be.AppendUint32(r, 50<<20)     // at most
	r = append(r, 1)                   // read_committed
	r = be.AppendUint32(r, 0)          // no session
	r = be.AppendUint32(r, 0xffffffff)
	r = be.AppendUint32(r, 1)
	r = wire.AppendString(r, f.topic)
	r = be.AppendUint32(r, 1)
	r = be.AppendUint32(r, uint32(f.partition))
	r = be.AppendUint32(r, 0xffffffff)
	r = be.AppendUint64(r, uint64(f.from))
	r = be.AppendUint64(r, 0xffffffffffffffff)
	r = be.AppendUint32(r, 10<<20)
	r = be.AppendUint32(r, 0) // forget
	r = wire.AppendString(r, "")
	wire.FinishRequest(r)
	if _, err := rw.Write(r); err != nil {
		return nil, err
	}
	answer, err := wire.ReadResponse(rw, 7, nil)
	if err != nil {
		return nil, err
	}
	body := wire.Body{Rest: answer}
	body.Int32() // throttle
	code := body.Int16()
	body.Int32()
	for topics := body.Count(); topics > 0; topics-- {
		body.Text()
		for n := body.Count(); n > 0; n-- {
			body.Int32()
			if c := body.Int16(); c != 0 {
				code = c
			}
			body.Int64() // high watermark
			body.Int64() // stable
			body.Int64() // start
			f.set.From = f.from
			for aborted := body.Count(); aborted > 0; aborted-- {
				f.set.Aborted = append(f.set.Aborted, wire.Aborted{ProducerID: body.Int64(), FirstOffset: body.Int64()})
			}
			body.Int32()
			f.set.Data = body.Bytes()
		}
	}
	if code != 0 {
		return nil, kafka.Error(code)
	}
	return f, body.Err()
}
