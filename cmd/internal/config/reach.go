package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"kindred/schemas/broker"
)

// patience is how long an address has to answer before it counts as unreachable; a busy machine may take its time.
const patience = 10 * time.Second

// connecting is how long a connection to one of Kafka's brokers may take. It is less, since the next one may answer.
const connecting = 3 * time.Second

// Unreachable is the error for a server that did not answer at any of its addresses.
type Unreachable struct {
	Server string   // Kafka or Redis
	Tried  []string // addresses
	Err    error    // of the last one
}

func (e *Unreachable) Error() string {
	return fmt.Sprintf("%s does not answer at %s: %v", e.Server, strings.Join(e.Tried, ", "), reason(e.Err))
}

func (e *Unreachable) Unwrap() error { return e.Err }

// Refused is the error for a server that answers, and refuses to be used by us.
type Refused struct {
	Server string // Kafka or Redis
	Err    error
	Try    string // the way out
}

func (e *Refused) Error() string { return fmt.Sprintf("%s answers: %v", e.Server, e.Err) }

func (e *Refused) Unwrap() error { return e.Err }

// reason shortens an error of the net package, which repeats the address.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		var syscall *os.SyscallError
		if errors.As(op.Err, &syscall) {
			return syscall.Err
		}
		return op.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends the connection, as a server does that wants encryption or a login")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time") // which the caller may have limited further
	}
	return err
}

// ReachKafka returns once Kafka has answered, within seconds. Else its error is an *Unreachable.
func (s *Settings) ReachKafka(ctx context.Context, cluster *broker.Cluster) error {
	if err := reach(ctx, "Kafka", s.Kafka); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := cluster.Ping(limited)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, broker.ErrPassword):
		return &Refused{Server: "Kafka", Err: err, Try: "look at --kafka-user and --kafka-password-file; the user may have its password for another --kafka-sasl"}
	case errors.Is(err, broker.ErrMechanism):
		return &Refused{Server: "Kafka", Err: err, Try: "--kafka-sasl with another of " + strings.Join(broker.SASLs, ", ") + "; or no --kafka-user, where Kafka asks for none"}
	}
	return &Unreachable{Server: "Kafka", Tried: s.Kafka, Err: err}
}

// ReachRedis returns once Redis has accepted a connection. Else its error is an *Unreachable.
func (s *Settings) ReachRedis(ctx context.Context) error { return reach(ctx, "Redis", s.Redis) }

// reach connects to one address after the other until one accepts the connection.
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
