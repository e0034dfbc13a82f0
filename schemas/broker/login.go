package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Ways to log in, as people name them.
const (
	SASLPlain       = "plain"
	SASLScramSHA256 = "scram-sha-256"
	SASLScramSHA512 = "scram-sha-512"
)

// SASLs are all of them.
var SASLs = []string{SASLPlain, SASLScramSHA256, SASLScramSHA512}

// Login returns how a user logs in; nil for no user. mechanism is one of SASLs, or empty for plain.
func Login(mechanism, user, password string) (sasl.Mechanism, error) {
	switch {
	case user == "":
		return nil, nil
	case mechanism == "" || mechanism == SASLPlain:
		return plain.Mechanism{Username: user, Password: password}, nil
	case mechanism == SASLScramSHA256:
		return scram.Mechanism(scram.SHA256, user, password)
	case mechanism == SASLScramSHA512:
		return scram.Mechanism(scram.SHA512, user, password)
	}
	return nil, fmt.Errorf("there is no way to log in called %q: want one of %s", mechanism, strings.Join(SASLs, ", "))
}

// Refusals of a cluster that answers. Trying again is of no use before the settings have changed.
var (
	// ErrPassword means that the cluster does not take the user and the password.
	ErrPassword = errors.New("it refuses the user or the password")
	// ErrMechanism means that the cluster knows other ways to log in.
	ErrMechanism = errors.New("it does not take this way to log in")
)

// Ping returns when a broker has answered. Its error wraps ErrPassword or ErrMechanism when one has answered, and refuses the
// login.
func (c *Cluster) Ping(ctx context.Context) error {
	_, err := c.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	if err == nil {
		return nil
	}
	if why := c.tryLogin(ctx); why != nil {
		return why
	}
	return err
}

// tryLogin logs in to one address after the other, and returns why the first one refuses it. The Transport does not tell: it
// reports a refused login as a broker that is not available.
func (c *Cluster) tryLogin(ctx context.Context) error {
	transport, ok := c.Client.Transport.(*kafka.Transport)
	if !ok || transport.SASL == nil {
		return nil
	}
	dialer := kafka.Dialer{ClientID: transport.ClientID, Timeout: transport.DialTimeout, TLS: transport.TLS, SASLMechanism: transport.SASL}
	for address := range strings.SplitSeq(c.Client.Addr.String(), ",") {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
			continue
		}
		if why := refusal(err, transport.SASL.Name()); why != nil {
			return why
		}
	}
	return nil
}

// refusal returns what a failed login means; nil: the broker did not refuse it.
func refusal(err error, mechanism string) error {
	switch code, _ := errors.AsType[kafka.Error](err); {
	case code == kafka.SASLAuthenticationFailed:
		return ErrPassword
	case code == kafka.UnsupportedSASLMechanism, code == kafka.IllegalSASLState:
		return fmt.Errorf("%w: %s", ErrMechanism, strings.ToLower(mechanism))
	}
	return nil
}
