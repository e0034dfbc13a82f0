package cache_test

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"kindred/pipeline/cache"
)

// opened returns a store on a Redis at an address.
func opened(t *testing.T, address string, login ...string) *cache.Store {
	t.Helper()
	o := cache.Options{Addresses: strings.Split(address, ","), Prefix: "check."}
	if len(login) == 2 {
		o.User, o.Password = login[0], login[1]
	}
	s := cache.Open(o)
	t.Cleanup(func() { s.Close() })
	return s
}

// refused demands that a store is refused, with a reason and a way out that say certain words.
func refused(t *testing.T, err error, login bool, words ...string) {
	t.Helper()
	var r *cache.Refusal
	if !errors.As(err, &r) {
		t.Errorf("got %v, want a Refusal that says %q", err, words)
		return
	}
	if r.Login != login {
		t.Errorf("%v: about the login %v, want %v", r, r.Login, login)
	}
	for _, word := range words {
		if !strings.Contains(r.Why+"\n"+r.Try, word) {
			t.Errorf("%q, try %q: does not say %q", r.Why, r.Try, word)
		}
	}
}

func TestAPasswordThatRedisDoesNotTakeIsSaid(t *testing.T) {
	server := miniredis.RunT(t)
	server.RequireUserAuth("default", "right")
	refused(t, opened(t, server.Addr()).Check(t.Context(), cache.Reading), true, "asks for a password", "--redis-password-file")
	refused(t, opened(t, server.Addr(), "", "wrong").Check(t.Context(), cache.Reading), true, "does not take", "--redis-password-file")
	if err := opened(t, server.Addr(), "", "right").Check(t.Context(), cache.Writing); err != nil {
		t.Errorf("the right password: %v", err)
	}
}

func TestWhatARedisDoesNotTellIsPassedOver(t *testing.T) {
	server := miniredis.RunT(t) // tells neither its role nor its policy
	s := opened(t, server.Addr())
	if err := s.Check(t.Context(), cache.Writing); err != nil {
		t.Error(err)
	}
	if keys := server.Keys(); len(keys) > 0 {
		t.Errorf("the check has written %v", keys)
	}
	server.Close()
	var r *cache.Refusal
	if err := s.Check(t.Context(), cache.Writing); err == nil || errors.As(err, &r) {
		t.Errorf("nobody answers: %v, want an error that is no refusal", err)
	}
}

// real starts a Redis as a process of its own.
func real(t *testing.T, settings ...string) (address string) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("there is no redis-server")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	listener.Close()
	settings = append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, settings...)
	server := exec.Command(program, settings...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		var answer redis.Error
		if err := client.Ping(t.Context()).Err(); err == nil || errors.As(err, &answer) {
			return address
		}
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatal("redis-server does not answer")
		}
	}
}

func TestARedisThatCannotHoldACacheIsRefused(t *testing.T) {
	check := func(use cache.Use, settings ...string) error {
		t.Helper()
		return opened(t, real(t, settings...)).Check(t.Context(), use)
	}
	if err := check(cache.Writing); err != nil {
		t.Errorf("a Redis as it is installed: %v", err)
	}
	refused(t, check(cache.Writing, "--maxmemory-policy", "allkeys-lru"), false, "allkeys-lru", "noeviction")
	refused(t, check(cache.Writing, "--replicaof", "127.0.0.1 1"), false, "replica", "primary")
	if err := check(cache.Reading, "--replicaof", "127.0.0.1 1"); err != nil {
		t.Errorf("a replica may be read: %v", err)
	}
	for _, use := range []cache.Use{cache.Reading, cache.Writing} {
		refused(t, check(use, "--cluster-enabled", "yes"), false, "one node of a cluster", "several addresses")
	}
	refused(t, check(cache.Writing, "--requirepass", "right"), true, "asks for a password")

	// A server on which only some commands are allowed, and which does not tell what it is.
	allowed := func(rights ...string) error {
		t.Helper()
		address := real(t)
		admin := redis.NewClient(&redis.Options{Addr: address})
		defer admin.Close()
		rule := append([]any{"acl", "setuser", "kindred", "on", ">right"}, words(rights)...)
		if err := admin.Do(context.Background(), rule...).Err(); err != nil {
			t.Fatal(err)
		}
		return opened(t, address, "kindred", "right").Check(t.Context(), cache.Writing)
	}
	if err := allowed("~check.*", "+@all", "-info"); err != nil {
		t.Errorf("a server that does not tell: %v", err)
	}
	refused(t, allowed("~check.*", "+@read", "+ping", "+info"), true, "del")
	refused(t, allowed("~other.*", "+@all"), true, "NOPERM")

	// One address twice: the settings say a cluster, and there is none.
	address := real(t)
	refused(t, opened(t, address+","+address).Check(t.Context(), cache.Writing), false, "no cluster", "one address")
}

func words(texts []string) (all []any) {
	for _, text := range texts {
		all = append(all, text)
	}
	return all
}

func TestWhyATransactionWasDiscardedIsSaid(t *testing.T) {
	address := real(t)
	s := opened(t, address)
	o := own(t, s)
	o.set("c-1", `{"City":"Oslo"}`)
	if err := s.Redis.Do(t.Context(), "replicaof", "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := o.exec(); err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("a save on a replica: %v, want what Redis said of the command", err)
	}
}
