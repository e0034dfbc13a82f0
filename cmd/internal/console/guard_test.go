package console_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/console"
)

const token = "a token that is long enough"

// asks runs a server and gives a function that returns the status of the answer to a request with some headers.
func asks(t *testing.T, server console.Server) func(path string, headers ...string) int {
	t.Helper()
	base := listen(t, &server)
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	return func(path string, headers ...string) int {
		t.Helper()
		request, err := http.NewRequest("GET", base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
			if headers[i] == "Host" {
				request.Host = headers[i+1]
			}
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
}

func TestOnLoopbackOnlyThisMachinesNamesAreServed(t *testing.T) {
	get := asks(t, console.Server{Hosts: []string{"kindred.example.com"}})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "LOCALHOST:1": 200, "127.0.0.1": 200, "127.8.8.8:80": 200, "[::1]": 200, "[::1]:8080": 200,
		"kindred.example.com": 200, "Kindred.Example.com:443": 200,
		"evil.example": 421, "evil.example:8080": 421, "127.0.0.1.evil.example": 421, "192.0.2.7": 421, "localhost.evil.example": 421,
	} {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			if code := get(path, "Host", host); code != want {
				t.Errorf("%s with Host %q: %d, want %d", path, host, code, want)
			}
		}
	}
}

func TestAPageOfAnotherOriginIsRefused(t *testing.T) {
	get := asks(t, console.Server{})
	check := func(origin string, want int) {
		t.Helper()
		if code := get("/metrics", "Host", "localhost:8080", "Origin", origin); code != want {
			t.Errorf("Origin %q: %d, want %d", origin, code, want)
		}
	}
	check("http://localhost:8080", 200)
	check("https://localhost:8080", 200) // behind something that ends TLS
	check("http://localhost:3000", 403)
	check("https://evil.example", 403)
	check("null", 403)
}

func TestBeyondLoopbackAnyNameWillDoUntilSomeAreGiven(t *testing.T) {
	everywhere := console.Server{Tokens: []config.Token{{Value: token}}, Listener: elsewhere{}}
	if code := asks(t, everywhere)("/healthz", "Host", "10.4.5.6:8080"); code != 200 {
		t.Errorf("a probe by address: %d, want 200", code)
	}
	everywhere.Hosts = []string{"kindred.example.com"}
	get := asks(t, everywhere)
	for host, want := range map[string]int{"kindred.example.com": 200, "localhost": 200, "evil.example": 421} {
		if code := get("/healthz", "Host", host); code != want {
			t.Errorf("Host %q with names given: %d, want %d", host, code, want)
		}
	}
}

func TestEachOfSeveralTokensWillDo(t *testing.T) {
	other := strings.ToUpper(token)
	get := asks(t, console.Server{Tokens: []config.Token{{Value: token}, {Value: other}}})
	for given, want := range map[string]int{token: 200, other: 200, token + other: 401, "": 401} {
		if code := get("/metrics", "Authorization", "Bearer "+given); code != want {
			t.Errorf("token %q: %d, want %d", given, code, want)
		}
	}
}

func TestProfilesOfTheProcessNeedTheToken(t *testing.T) {
	get := asks(t, console.Server{Tokens: []config.Token{{Value: token}}})
	const path = "/debug/pprof/goroutine?debug=1"
	if code := get(path); code != 401 {
		t.Errorf("without the token: %d, want 401", code)
	}
	if code := get(path, "Authorization", "Bearer "+token); code != 200 {
		t.Errorf("with the token: %d, want 200", code)
	}
	if code := get("/debug/pprof/cmdline", "Authorization", "Bearer "+token); code != 404 {
		t.Errorf("the command line, which may hold a password: %d, want 404", code)
	}
	if code := asks(t, console.Server{})(path); code != 404 {
		t.Errorf("without tokens there are no profiles: %d, want 404", code)
	}
}

func TestWithACertificateItIsEncrypted(t *testing.T) {
	example := httptest.NewUnstartedServer(nil)
	example.StartTLS() // for its certificate
	defer example.Close()
	server := console.Server{TLS: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &example.TLS.Certificates[0], nil
	}}}
	base := listen(t, &server)
	client := example.Client()
	defer client.CloseIdleConnections()
	response, err := client.Get(base + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 || response.TLS == nil {
		t.Errorf("%d, TLS %v", response.StatusCode, response.TLS)
	}
	response, err = client.Get("http" + strings.TrimPrefix(base, "https") + "/healthz")
	if err == nil {
		response.Body.Close()
		if response.StatusCode == 200 {
			t.Error("it answers without encryption, too")
		}
	}
}
