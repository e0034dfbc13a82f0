package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"kindred/schemas/broker"
)

// Cluster describes Kafka, for the whole process. It connects to nothing yet.
func (s *Settings) Cluster(log *slog.Logger) (*broker.Cluster, error) {
	encryption, err := s.KafkaTLS.Config()
	if err != nil {
		return nil, fmt.Errorf("tls for kafka: %w", err)
	}
	return broker.Open(broker.Options{
		Addresses: s.Kafka, User: s.KafkaLogin.User, Password: s.KafkaLogin.Password,
		TLS: encryption, Dial: patience, Log: log,
	}), nil
}

// Config reads the files that the settings name. It is nil when TLS is off.
func (t TLS) Config() (*tls.Config, error) {
	if !t.On {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		trusted, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(trusted) {
			return nil, fmt.Errorf("%s holds no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{own}
	}
	return config, nil
}

// patience is how long an address has to answer before it counts as unreachable.
const patience = 3 * time.Second

// Unreachable says that a server did not answer at any of its addresses.
type Unreachable struct {
	Server string   // Kafka or Redis
	Tried  []string // addresses
	Err    error    // of the last one
}

func (e *Unreachable) Error() string {
	return fmt.Sprintf("%s does not answer at %s: %v", e.Server, strings.Join(e.Tried, ", "), reason(e.Err))
}

func (e *Unreachable) Unwrap() error { return e.Err }

// reason shortens what the net package says, which repeats the address.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		var syscall *os.SyscallError
		if errors.As(op.Err, &syscall) {
			return syscall.Err
		}
		return op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v", patience)
	}
	return err
}

// ReachKafka waits for an answer of Kafka, a few seconds at most. Its error is an *Unreachable.
func (s *Settings) ReachKafka(ctx context.Context, cluster *broker.Cluster) error {
	if err := reach(ctx, "Kafka", s.Kafka); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := cluster.Ping(limited)
	if errors.Is(err, broker.ErrRefused) {
		err = fmt.Errorf("%w of %s", err, s.KafkaLogin.User)
	}
	if err != nil {
		return &Unreachable{Server: "Kafka", Tried: s.Kafka, Err: err}
	}
	return nil
}

// ReachRedis waits until a connection to Redis is taken. Its error is an *Unreachable.
func (s *Settings) ReachRedis(ctx context.Context) error { return reach(ctx, "Redis", s.Redis) }

// reach connects to one address after the other until one takes the connection.
func reach(ctx context.Context, server string, addresses []string) error {
	dialer := net.Dialer{Timeout: patience}
	var last error
	for _, address := range addresses {
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return connection.Close()
		}
		last = err
	}
	return &Unreachable{Server: server, Tried: addresses, Err: last}
}
