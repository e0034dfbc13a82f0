package console_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"kindred/cmd/internal/console"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server until the test ends, and gives a function that asks it.
func start(t *testing.T, server console.Server) func(path, token string) (int, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = listener
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	client := &http.Client{}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return func(path, token string) (int, string) {
		t.Helper()
		request, err := http.NewRequest("GET", "http://"+listener.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
}

func TestItIsReadyWhenNothingIsBehind(t *testing.T) {
	var behind atomic.Value
	behind.Store("shard 3 reads profiles")
	get := start(t, console.Server{Behind: func() string { return behind.Load().(string) }})
	if code, _ := get("/healthz", ""); code != 200 {
		t.Errorf("/healthz: %d, want 200 from the start", code)
	}
	if code, body := get("/readyz", ""); code != 503 || !strings.Contains(body, "shard 3 reads profiles") {
		t.Errorf("/readyz: %d %q, want 503 that says what is behind", code, body)
	}
	behind.Store("")
	if code, _ := get("/readyz", ""); code != 200 {
		t.Errorf("/readyz: %d, want 200 once caught up", code)
	}
	if code, _ := get("/elsewhere", ""); code != 404 {
		t.Errorf("/elsewhere: %d, want 404", code)
	}
}

func TestMetricsAreReadWhenTheyAreAskedFor(t *testing.T) {
	var profiles atomic.Int64
	get := start(t, console.Server{Readings: func() []console.Reading {
		return []console.Reading{
			{Name: "kindred_profiles_total", Help: "Profiles read.", Grows: true, Value: float64(profiles.Load()), Labels: []string{"shard", "0"}},
			{Name: "kindred_profiles_total", Help: "Profiles read.", Grows: true, Value: 1, Labels: []string{"shard", "1"}},
			{Name: "kindred_shards", Help: "Shards owned.", Value: 2},
		}
	}})
	for _, n := range []int64{5, 17} {
		profiles.Store(n)
		code, body := get("/metrics", "")
		want := `kindred_profiles_total{shard="0"} ` + map[int64]string{5: "5", 17: "17"}[n]
		if code != 200 || !strings.Contains(body, want) || !strings.Contains(body, "kindred_shards 2") {
			t.Errorf("/metrics: %d, want %s in\n%s", code, want, body)
		}
		if !strings.Contains(body, "# TYPE kindred_profiles_total counter") || !strings.Contains(body, "go_goroutines") {
			t.Errorf("/metrics lacks a type or the process's own figures:\n%s", body)
		}
	}
}

func TestWithATokenOnlyHealthIsOpen(t *testing.T) {
	get := start(t, console.Server{Token: "secret"})
	check := func(path, token string, want int) {
		t.Helper()
		if code, _ := get(path, token); code != want {
			t.Errorf("%s with token %q: %d, want %d", path, token, code, want)
		}
	}
	check("/healthz", "", 200)
	check("/readyz", "", 200)
	check("/metrics", "", 401)
	check("/metrics", "secre", 401)
	check("/metrics", "secret", 200)
}
