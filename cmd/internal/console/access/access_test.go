package access_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/console/access"
)

const editors, viewers = "a-token-of-an-editor-1234", "a-token-of-a-viewer-12345"

// house has a page, which says who sees it, and a door for programs.
func house(tokens ...config.Token) http.Handler {
	gate := &access.Gate{
		Tokens: tokens,
		Form: func(w http.ResponseWriter, status int, wrong, to string) {
			w.WriteHeader(status)
			fmt.Fprintf(w, "form to=%s wrong=%s", to, wrong)
		},
		Denied: func(w http.ResponseWriter, _ *http.Request, status int, title, try string) {
			http.Error(w, title+try, status)
		},
	}
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%+v", access.Of(r.Context())) })
	mux := http.NewServeMux()
	mux.Handle("/", gate.People(who))
	mux.Handle("/api/", gate.Programs(who))
	mux.HandleFunc("GET /login", gate.LoginPage)
	mux.HandleFunc("POST /login", gate.Login)
	mux.HandleFunc("POST /logout", gate.Logout)
	return mux
}

func both() http.Handler {
	return house(config.Token{Name: "ann", Value: editors, Editor: true}, config.Token{Name: "bob", Value: viewers})
}

// ask sends a request with some headers, "Name: value" each.
func ask(h http.Handler, method, target, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(r *http.Response) string {
	b, _ := io.ReadAll(r.Body)
	return string(b)
}

func login(token, to string) string {
	return url.Values{"token": {token}, "to": {to}}.Encode()
}

func TestATokenSaysWhoAsks(t *testing.T) {
	h := both()
	for header, want := range map[string]string{
		"Authorization: Bearer " + editors: "{Name:ann Editor:true}", "Authorization: bearer " + viewers: "{Name:bob Editor:false}",
	} {
		if r := ask(h, "GET", "/api/x", "", header); r.StatusCode != 200 || text(r) != want {
			t.Errorf("with %q: %d %s", header, r.StatusCode, text(r))
		}
	}
	for _, header := range []string{"Authorization: Bearer " + editors + "x", "Authorization: Basic " + editors, "Authorization: " + editors, "X: y"} {
		r := ask(h, "GET", "/api/x", "", header)
		if said := text(r); r.StatusCode != 401 || r.Header.Get("WWW-Authenticate") != "Bearer" || strings.Contains(said, editors) {
			t.Errorf("with %q: %d %s", header, r.StatusCode, said)
		}
	}
	if r := ask(house(), "GET", "/api/x", ""); text(r) != "{Name: Editor:true}" {
		t.Errorf("without tokens: %s", text(r))
	}
	if v := access.Of(t.Context()); v.Editor {
		t.Error("behind no gate somebody may change things")
	}
}

func TestABrowserGetsACookieForAToken(t *testing.T) {
	h := both()
	if r := ask(h, "GET", "/expansion?id=a&b=1", ""); r.StatusCode != 303 || r.Header.Get("Location") != "/login?to=%2Fexpansion%3Fid%3Da%26b%3D1" {
		t.Errorf("without a cookie: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	r := ask(h, "POST", "/login", login(viewers, "/expansion?id=a"))
	if r.StatusCode != 303 || r.Header.Get("Location") != "/expansion?id=a" || len(r.Cookies()) != 1 {
		t.Fatalf("log in: %d, %v", r.StatusCode, r.Header)
	}
	c := r.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || c.Name != "kindred" || strings.Contains(c.Value, viewers) {
		t.Errorf("the cookie is %+v", c)
	}
	cookie := "Cookie: " + c.Name + "=" + c.Value
	for _, path := range []string{"/expansion", "/api/x"} {
		if r := ask(h, "GET", path, "", cookie); text(r) != "{Name:bob Editor:false}" {
			t.Errorf("%s with the cookie: %d %s", path, r.StatusCode, text(r))
		}
	}
	if c := ask(h, "POST", "/login", login(editors, ""), "X-Forwarded-Proto: https").Cookies()[0]; !c.Secure || c.Name != "__Host-kindred" {
		t.Errorf("behind something that ends TLS the cookie is %+v", c)
	}
	if c := ask(h, "POST", "/logout", "", cookie).Cookies()[0]; c.MaxAge >= 0 || c.Name != "kindred" {
		t.Errorf("log out: %+v", c)
	}

	// Whoever makes up a cookie, or has one of a token that was withdrawn, has none.
	for _, made := range []string{c.Value + "0", "." + c.Value, strings.Replace(c.Value, "Ym9i", "YW5u", 1), "..", ""} {
		if r := ask(h, "GET", "/", "", "Cookie: kindred="+made); r.StatusCode != 303 {
			t.Errorf("a made-up cookie: %d %s", r.StatusCode, text(r))
		}
	}
	if r := ask(house(config.Token{Name: "bob", Value: editors}), "GET", "/", "", cookie); r.StatusCode != 303 {
		t.Errorf("the cookie of a token that was withdrawn: %d", r.StatusCode)
	}
}

func TestACookieEndsAfterTwelveHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := both()
		c := ask(h, "POST", "/login", login(editors, "")).Cookies()[0]
		time.Sleep(11 * time.Hour)
		if r := ask(h, "GET", "/", "", "Cookie: kindred="+c.Value); r.StatusCode != 200 {
			t.Errorf("after 11 hours: %d", r.StatusCode)
		}
		time.Sleep(2 * time.Hour)
		if r := ask(h, "GET", "/", "", "Cookie: kindred="+c.Value); r.StatusCode != 303 {
			t.Errorf("after 13 hours: %d", r.StatusCode)
		}
	})
}

// Nobody is led elsewhere by a link to the form.
func TestLoggingInLeadsToThisServer(t *testing.T) {
	h := both()
	for _, to := range []string{"https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "evil", "/\t/evil.example", ""} {
		if r := ask(h, "POST", "/login", login(editors, to)); r.Header.Get("Location") != "/" {
			t.Errorf("to %q it leads to %q", to, r.Header.Get("Location"))
		}
	}
	if r := ask(h, "GET", "/login?to=https://evil.example", ""); !strings.HasPrefix(text(r), "form to=/ ") {
		t.Error("the form leads elsewhere")
	}
}

// Guessing takes for ever: twenty wrong tokens, then one every three seconds, whatever door they are tried at. Others are not held up.
func TestGuessingATokenIsHopeless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := both()
		codes := map[int]int{}
		for i := range 50 {
			wrong := fmt.Sprintf("%025d", i)
			r := ask(h, "GET", "/api/x", "", "Authorization: Bearer "+wrong)
			if i%2 == 0 {
				r = ask(h, "POST", "/login", login(wrong, ""))
			}
			codes[r.StatusCode]++
		}
		if codes[401] > 20 || codes[429] < 30 {
			t.Errorf("of 50 guesses: %v", codes)
		}
		r := ask(h, "GET", "/api/x", "", "Authorization: Bearer "+editors)
		if r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
			t.Errorf("then: %d", r.StatusCode)
		}
		other := httptest.NewRequest("GET", "/api/x", nil)
		other.RemoteAddr = "192.0.2.77:1234"
		other.Header.Set("Authorization", "Bearer "+editors)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, other); w.Code != 200 {
			t.Errorf("from elsewhere: %d", w.Code)
		}
		time.Sleep(4 * time.Second)
		if r := ask(h, "GET", "/api/x", "", "Authorization: Bearer "+editors); r.StatusCode != 200 {
			t.Errorf("a while later, the right one: %d", r.StatusCode)
		}
	})
}

// Behind a proxy everybody has one address: whoever guesses there keeps nobody out who is in, nor who comes with a right token.
func TestGuessingKeepsNobodyOutWhoSharesTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := both()
		c := ask(h, "POST", "/login", login(viewers, "")).Cookies()[0]
		for i := range 50 {
			ask(h, "GET", "/api/x", "", fmt.Sprintf("Authorization: Bearer %025d", i))
		}
		if r := ask(h, "GET", "/api/x", "", "Authorization: Bearer "+editors+"x"); r.StatusCode != 429 {
			t.Errorf("one more wrong one: %d", r.StatusCode)
		}
		for _, header := range []string{"Cookie: kindred=" + c.Value, "Authorization: Bearer " + editors} {
			if r := ask(h, "GET", "/api/x", "", header); r.StatusCode != 200 {
				t.Errorf("with a right one: %d", r.StatusCode)
			}
		}
		if r := ask(h, "POST", "/login", login(editors, "")); r.StatusCode != 303 {
			t.Errorf("log in: %d", r.StatusCode)
		}
	})
}

// A browser that still has a cookie whose time is over has guessed nothing, however often it asks.
func TestAnOldCookieIsNoGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := both()
		c := ask(h, "POST", "/login", login(viewers, "")).Cookies()[0]
		time.Sleep(13 * time.Hour)
		for range 50 {
			if r := ask(h, "GET", "/api/x", "", "Cookie: kindred="+c.Value); r.StatusCode != 401 || r.Cookies()[0].MaxAge >= 0 {
				t.Fatalf("with the old cookie: %d, %v", r.StatusCode, r.Cookies())
			}
		}
		if r := ask(h, "POST", "/login", login(viewers, "")); r.StatusCode != 303 {
			t.Errorf("log in again: %d", r.StatusCode)
		}
	})
}
