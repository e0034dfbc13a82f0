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

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/console"
	"kindred/cmd/internal/reading"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen runs a server until the test ends, and returns where it is to be asked.
func listen(t *testing.T, server *console.Server) (base string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if server.Listener == nil {
		server.Listener = listener
	} else {
		server.Listener = elsewhere{listener}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	scheme := "http"
	if server.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + listener.Addr().String()
}

// elsewhere is a listener that passes for one that other machines reach.
type elsewhere struct{ net.Listener }

func (elsewhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8080} }

// start runs a server until the test ends, and gives a function that asks it.
func start(t *testing.T, server console.Server) func(path, token string) (int, string) {
	t.Helper()
	base := listen(t, &server)
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	return func(path, token string) (int, string) {
		t.Helper()
		request, err := http.NewRequest("GET", base+path, nil)
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

func TestItIsReadyWhenAllPartsAre(t *testing.T) {
	var parts atomic.Value
	parts.Store([]reading.Part{
		{Name: "router", Ready: true, Text: "ok"},
		{Name: "shard 3", Text: "cannot save:\nconnection refused"},
	})
	get := start(t, console.Server{Parts: func() []reading.Part { return parts.Load().([]reading.Part) }})
	if code, _ := get("/healthz", ""); code != 200 {
		t.Errorf("/healthz: %d, want 200 from the start", code)
	}
	want := "not ready\nrouter: ok\nshard 3: not ready: cannot save: connection refused\n"
	if code, body := get("/readyz", ""); code != 503 || body != want {
		t.Errorf("/readyz: %d %q, want 503 and %q", code, body, want)
	}
	parts.Store([]reading.Part{{Name: "router", Ready: true, Text: "standby: another process is at work"}})
	if code, body := get("/readyz", ""); code != 200 || body != "ready\nrouter: standby: another process is at work\n" {
		t.Errorf("/readyz: %d %q, want 200 on a standby, which says so", code, body)
	}
	parts.Store([]reading.Part{{Name: "router", Text: strings.Repeat("ø", 5000)}})
	if _, body := get("/readyz", ""); len(body) > 400 {
		t.Errorf("a long reason is not cut: %d bytes", len(body))
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
	get := start(t, console.Server{Tokens: []config.Token{{Value: "secret"}}})
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
