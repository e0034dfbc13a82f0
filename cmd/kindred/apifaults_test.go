package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kindred/schemas"
)

// untold is a value that some bad requests hold, and nobody may see again.
const untold = "Pseudonymia"

// badRequests are requests that nothing may come of, made up from a seed.
type badRequests struct {
	random *rand.Rand
	member string
}

func (b *badRequests) one(all ...string) string { return all[b.random.IntN(len(all))] }

// next returns the bytes of a request, whether it is well-formed HTTP or not.
func (b *badRequests) next() string {
	method, path, headers, body := "GET", b.path(), "Host: 127.0.0.1\r\nAuthorization: Bearer "+annsToken+"\r\n", ""
	switch b.random.IntN(9) {
	case 0: // a method that a path does not take
		method = b.one("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "POST", "X\x00Y", "")
	case 1: // a query that means nothing
		path += "?" + b.one("limit=0", "limit=-1", "limit=1e3", "limit=99999999999999999999", "limit=07", "limit=5&limit=6", "limt=5", "after="+untold, "after=1-z",
			"after=", "share=2", "share=NaN", "count=0", "share=0.1&count=2", "floor=-0", "floor=Inf", "drift=maybe", "all=1", "segment=", "segment="+untold, "topic="+untold,
			"%zz", "a;b", "=", "&&&x", untold+"="+untold, "limit=%00", "expansion=a/b")
	case 2: // a header that is wrong
		headers = b.one("", "Host: evil.example\r\n", "Host: 127.0.0.1\r\nHost: evil.example\r\n", "Host: 127.0.0.1\r\nOrigin: https://evil.example\r\n",
			"Host: 127.0.0.1\r\nAuthorization: Bearer "+strings.Repeat("x", 9000)+"\r\n", "Host: 127.0.0.1\r\nX: "+strings.Repeat("y", 40_000)+"\r\n",
			"Host: 127.0.0.1\r\nAuthorization: Basic "+untold+"\r\n", "Host: 127.0.0.1\r\nCookie: kindred=a.b.c; kindred="+untold+"\r\n", "Host: 127.0.0.1\r\n: x\r\n", "Host: 127.0.0.1\r\nBad Name: x\r\n",
			"Host: 127.0.0.1\r\nRange: bytes=9-1\r\n", "Host: 127.0.0.1\r\nExpect: 200-maybe\r\n")
	case 3: // no HTTP at all
		return b.one("\x16\x03\x01\x02\x00\x01", "GET", "GET /api/runs", "GET /api/runs HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n", untold+"\r\n\r\n", "GET  /api/runs HTTP/1.1\r\n\r\n",
			"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", "GET * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	case 4: // a way to say where a body ends that cannot be
		method, path = "POST", "/api/expand-requests"
		headers += b.one("Content-Length: 10\r\nContent-Length: 20\r\n", "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "Content-Length: x\r\n") +
			"Content-Type: application/json\r\n"
		return method + " " + path + " HTTP/1.1\r\n" + headers + "\r\n" + b.one("zz\r\n", "5\r\nab", "{}", "")
	case 5: // content that is no event
		method, path = "POST", "/api/expand-requests"
		headers += b.one("Content-Type: text/plain\r\n", "Content-Type: application/json; charset=utf-16\r\n", "Content-Type: multipart/form-data\r\n", "", "Content-Type: ;;\r\n",
			"Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "Content-Type: application/json\r\nContent-Type: text/html\r\n")
		body = `{"action":"delete","expansionId":"more"}`
	default: // an event that is none
		method, path = "POST", "/api/expand-requests"
		headers += "Content-Type: " + b.one("application/json", "application/cloudevents+json") + "\r\n"
		body = b.event()
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", method, path, headers, len(body), body)
}

func (b *badRequests) path() string {
	return b.one("/api/segments", "/api/fields", "/api/expansions", "/api/expansions/more", "/api/expansions/more/members", "/api/runs", "/api/health", "/api/dead-letters", "/api/openapi.json",
		"/api/expand-requests", "/api", "/api/", "/api/"+untold, "/api/expansions/%2e%2e", "/api/expansions/"+untold+"%20x", "/api/expansions/more/members/%ff", "/api/expansions/more/members/%0a",
		"/api/expansions/more/members/"+strings.Repeat("x", 256), "/api/expansions/none/members/"+url.PathEscape(b.member), "/api/runs/more/"+untold, "/api/runs/more", "/api/../etc/passwd", "/api//runs",
		"/api/expansions/more/", "/api/%2e%2e/%2e%2e/x", "/api/expansions/%zz", "/api/expansions/"+strings.Repeat("%41", 6000), "/%00", "//api/runs", "/api/openapi.json/x", "\\api\\runs", "api/runs")
}

// event returns what is no expand request, or one whose run could only fail.
func (b *badRequests) event() string {
	event := map[string]any{"action": "delete", "expansionId": "more"}
	switch b.random.IntN(4) {
	case 0: // a property of another kind, or a value that cannot be
		event["action"] = "edit"
		event[b.one("requestId", "action", "expansionId", "name", "fields", "candidates", "suppress", "excludeSource", "share", "count", "floor", "preset", "tags", "refresh", "dryRun", "requestedBy", "force")] =
			[]any{7.5, true, []any{}, map[string]any{untold: untold}, untold + " /", []any{1, untold}, -1e300, ""}[b.random.IntN(8)]
		event["share"], event["count"] = 0.1, 5 // whatever it was: these exclude each other
	case 1: // a property that there is not
		event[b.one("Action", "expansionID", "Pseudo", "shares", "", "a\u0000b")] = untold
	case 2: // too large
		event["name"] = strings.Repeat(untold, 6000)
	default: // no JSON
		whole, _ := json.Marshal(event)
		text := string(whole)
		return b.one(text[:b.random.IntN(len(text))], text+text, "\xff\xfe"+text, strings.Replace(text, `"delete"`, `"delete","action":"edit"`, 1), strings.Repeat("[", 100_000), "null", "[]", "7", `"`+untold+`"`,
			strings.Replace(text, "more", "mo\xc3", 1), strings.Repeat(" ", 70_000)+text, `{"action":"delete","expansionId":1e999999}`, "\x00"+text, `{"data":`+text+`}`)
	}
	text, _ := json.Marshal(event)
	return string(text)
}

// Whatever comes over HTTP is answered clearly or not at all, changes nothing, and leaves no value anywhere.
func TestNothingComesOfBadRequests(t *testing.T) {
	const requests = 700
	everywhere(t, func(w *world) {
		var said sayings
		w.log = slog.New(slog.NewTextHandler(&said, nil))
		ann, _ := w.calls()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.successful("more", `"action":"expand","sourceSegmentId":"vip"`)
		w.agree()
		member := first(w.market.of("more"), 1)[0]
		before, runs := w.end(schemas.ExpandRequests), w.end(schemas.Runs)

		b := &badRequests{rand.New(rand.NewPCG(1, 700)), member}
		codes := map[int]int{}
		for i := range requests {
			request := b.next()
			status, headers, body := exchange(w, ann.base, request)
			codes[status]++
			about := fmt.Sprintf("request %d, %.200q: %d %.300s", i, request, status, body)
			switch {
			case status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported, status == 202:
				t.Errorf("%s", about)
			case status < 400, status == 0:
			case headers.Get("Content-Type") == "application/problem+json":
				var p struct {
					Status             int
					Title, Detail, Try string
				}
				if json.Unmarshal(body, &p) != nil || p.Status != status || p.Title == "" || p.Try == "" {
					t.Errorf("it does not say what and how: %s", about)
				}
			case strings.Contains(request, " /api") && !slices.Contains([]int{400, 417, 431, 501, 505}, status): // those are of net/http, before anything is routed
				t.Errorf("it is no problem of RFC 9457: %s", about)
			}
			if status >= 400 && (strings.Contains(string(body), untold) || strings.Contains(string(body), member)) && !strings.Contains(string(body), "there is no ") {
				t.Errorf("it repeats a value: %s", about)
			}
		}
		for _, status := range []int{400, 403, 404, 405, 413, 415, 421, 422} {
			if codes[status] == 0 {
				t.Errorf("nothing was answered with %d: %v", status, codes)
			}
		}
		if got := w.end(schemas.ExpandRequests); got != before {
			t.Errorf("%d requests were published", got-before)
		}
		if status, text := ann.get("/api/expansions/more"); status != 200 {
			t.Errorf("then a good request is answered with %d %s", status, text)
		}
		w.agree()
		if got := w.end(schemas.Runs); got != runs {
			t.Errorf("%d events of runs were published", got-runs)
		}
		for _, value := range []string{untold, member, annsToken} {
			if log := said.String(); strings.Contains(log, value) {
				t.Errorf("the log says %q:\n%s", value, log)
			}
		}
	})
}

// exchange sends bytes and returns what is answered; status 0: the connection ended without an answer.
func exchange(w *world, base, request string) (status int, headers http.Header, body []byte) {
	w.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	w.OK(err)
	defer c.Close()
	w.OK(c.SetDeadline(time.Now().Add(time.Minute)))
	go func() {
		_, _ = io.WriteString(c, request) // the server may have enough before it has all
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, nil, nil
	}
	defer answer.Body.Close()
	body, _ = io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, answer.Header, body
}

// sayings keeps what is logged.
type sayings struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *sayings) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sayings) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
