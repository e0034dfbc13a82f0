package config_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"kindred/cmd/internal/config"
	"kindred/schemas/wire"
)

// parse reads arguments and variables ("KINDRED_KAFKA=...") as serve would.
func parse(t *testing.T, arguments string, variables ...string) (config.Settings, config.Server, error) {
	t.Helper()
	var settings config.Settings
	var server config.Server
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	settings.Flags(flags)
	server.Flags(flags)
	if err := flags.Parse(strings.Fields(arguments)); err != nil {
		return settings, server, err
	}
	err := config.FromEnvironment(flags, func(name string) (string, bool) {
		for _, v := range variables {
			if key, value, _ := strings.Cut(v, "="); key == name {
				return value, true
			}
		}
		return "", false
	})
	if err == nil {
		err = settings.Check()
	}
	if err == nil {
		err = server.Check()
	}
	return settings, server, err
}

func TestDefaultsMakeSense(t *testing.T) {
	settings, server, err := parse(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if settings.Prefix != "kindred." || !slices.Equal(settings.Kafka, []string{"127.0.0.1:9092"}) {
		t.Errorf("defaults: %+v", settings)
	}
	if settings.Compression != wire.LZ4 {
		t.Errorf("compression: %v", settings.Compression)
	}
	if server.Partitions != 12 || server.MinSource != 25 || server.WarnSource != 100 {
		t.Errorf("defaults: %+v", server)
	}
	if !server.Does("shards") || !server.Does("control") {
		t.Errorf("roles: %v, want both", server.Roles)
	}
}

func TestAFlagGoesOverTheVariableAndTheVariableOverTheDefault(t *testing.T) {
	settings, server, err := parse(t, "--kafka a:1,b:2 --partitions 3",
		"KINDRED_KAFKA=c:3", "KINDRED_PREFIX=my.", "KINDRED_COMPRESSION=zstd", "KINDRED_MIN_SOURCE=7", "KINDRED_PARTITIONS=9", "KINDRED_FLAT=true")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(settings.Kafka, []string{"a:1", "b:2"}) || settings.Prefix != "my." || settings.Compression != wire.Zstd {
		t.Errorf("settings: %+v", settings)
	}
	if server.MinSource != 7 || server.Partitions != 3 || !server.Flat {
		t.Errorf("server: %+v", server)
	}
}

func TestWhatMakesNoSenseIsNamed(t *testing.T) {
	refused := func(want, arguments string, variables ...string) {
		t.Helper()
		_, _, err := parse(t, arguments, variables...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q %v: got error %v, want one that says %q", arguments, variables, err, want)
		}
	}
	refused("--kafka", "--kafka nohost")
	refused("--redis", "--redis nohost")
	refused("--prefix", "--prefix a/b")
	refused("--partitioner", "--partitioner random")
	refused("none gzip snappy lz4 zstd", "--compression brotli")
	refused("--kafka-cert", "--kafka-tls --kafka-cert a.pem")
	refused("--redis-tls", "--redis-ca a.pem")
	refused("--roles", "--roles boss")
	refused("--partitions", "--partitions 0")
	refused("--min-source", "--min-source 0")
	refused("--instance", "--instance a/b")
	refused("--instance", "--instance ..")
	refused("--instance", "--instance "+strings.Repeat("x", 201))
	refused("--session", "--session 500ms")
	refused("--session", "--session 1h")
	refused("--token-file", "--http 0.0.0.0:8080")
	refused("--token-file", "--http :8080")
	refused("KINDRED_MIN_SOURCE", "", "KINDRED_MIN_SOURCE=many")
	if _, _, err := parse(t, "--http 0.0.0.0:8080 --token-file t"); err != nil {
		t.Errorf("with a token any address is fine: %v", err)
	}
	if _, _, err := parse(t, "--http [::1]:0"); err != nil {
		t.Errorf("loopback needs no token: %v", err)
	}
}

// A process is known by its name when it comes back. Two processes must not have the same one by accident: the older would end.
func TestAProcessHasANameOfItsOwn(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	check := func(arguments, listening, want string, lasts bool) {
		t.Helper()
		_, server, err := parse(t, arguments)
		if err != nil {
			t.Fatal(err)
		}
		name, lasting := server.Member(listening)
		if name != want || lasting != lasts {
			t.Errorf("%q on %s: %s, lasting %v, want %s, %v", arguments, listening, name, lasting, want, lasts)
		}
	}
	check("--instance left", "127.0.0.1:8080", "left", true)
	check("", "127.0.0.1:8080", host+"-127.0.0.1-8080", true)
	check("", "[::]:8080", host+"-8080", true)
	check("", "", fmt.Sprintf("%s-%d", host, os.Getpid()), false)
	check("--embedded /var/lib/kindred", "127.0.0.1:8080", host+"-var-lib-kindred", true)
	check("--embedded /var/lib/kindred", "", host+"-var-lib-kindred", true)

	_, server, err := parse(t, "--embedded /"+strings.Repeat("long/", 100)+"é/end")
	if err != nil {
		t.Fatal(err)
	}
	if name, _ := server.Member(""); len(name) > 200 || !strings.HasSuffix(name, "-long-end") {
		t.Errorf("a long folder makes %s", name)
	}
}

func TestAnAddressThatDoesNotAnswerIsNamed(t *testing.T) {
	const closed = "127.0.0.1:1"
	settings := config.Settings{Kafka: []string{closed}, Redis: []string{closed}}
	cluster, err := settings.Cluster(nil)
	if err != nil {
		t.Fatal(err)
	}
	for server, err := range map[string]error{
		"Kafka": settings.ReachKafka(context.Background(), cluster),
		"Redis": settings.ReachRedis(context.Background()),
	} {
		var unreachable *config.Unreachable
		if !errors.As(err, &unreachable) || unreachable.Server != server {
			t.Errorf("%s: got %v, want an Unreachable", server, err)
			continue
		}
		if want := server + " does not answer at " + closed + ": connection refused"; err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestOneAddressThatAnswersIsEnough(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	settings := config.Settings{Redis: []string{"127.0.0.1:1", listener.Addr().String()}}
	if err := settings.ReachRedis(context.Background()); err != nil {
		t.Error(err)
	}
}
