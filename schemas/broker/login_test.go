package broker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"kindred/schemas/broker"
)

func TestEachWayToLogIn(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "ann", "right"), kfake.Superuser("SCRAM-SHA-256", "bob", "right"), kfake.Superuser("SCRAM-SHA-512", "cid", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	check := func(mechanism, user, password string, want error) {
		t.Helper()
		login, err := broker.Login(mechanism, user, password)
		if err != nil {
			t.Fatal(err)
		}
		ours := broker.Open(broker.Options{Addresses: cluster.ListenAddrs(), Login: login, Dial: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := ours.Ping(ctx); !errors.Is(err, want) || (err != nil) != (want != nil) {
			t.Errorf("%s as %s with %q: %v, want %v", mechanism, user, password, err, want)
		}
	}
	check(broker.SASLPlain, "ann", "right", nil)
	check("", "ann", "right", nil)
	check(broker.SASLScramSHA256, "bob", "right", nil)
	check(broker.SASLScramSHA512, "cid", "right", nil)
	check(broker.SASLPlain, "ann", "wrong", broker.ErrPassword)
	check(broker.SASLScramSHA256, "bob", "wrong", broker.ErrPassword)
	check(broker.SASLScramSHA512, "nobody", "right", broker.ErrPassword)
	check(broker.SASLScramSHA512, "ann", "right", broker.ErrPassword) // known by another way

	if _, err := broker.Login("kerberos", "ann", "right"); err == nil {
		t.Error("a way that there is not is taken")
	}
	if login, err := broker.Login(broker.SASLPlain, "", ""); login != nil || err != nil {
		t.Errorf("no user: %v, %v; want no login", login, err)
	}
}
