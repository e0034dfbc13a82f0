package console_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kindred/cmd/internal/console"
)

// pipes is a listener whose connections are in memory, so that a test's clock goes for them too.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	select {
	case <-p.closed:
		return net.ErrClosed
	default:
		close(p.closed)
		return nil
	}
}

func (pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// inMemory tells a story with a server whose connections dial makes.
func inMemory(t *testing.T, story func(t *testing.T, dial func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		listener := pipes{make(chan net.Conn), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		server := console.Server{Listener: listener}
		go func() { ended <- server.Run(ctx) }()
		story(t, func() net.Conn {
			ours, theirs := net.Pipe()
			go func() {
				select {
				case listener.conns <- theirs:
				case <-listener.closed:
					theirs.Close()
				}
			}()
			return ours
		})
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// say writes beside the test, since nobody may be reading.
func say(conn net.Conn, text string) {
	go func() { _, _ = io.WriteString(conn, text) }()
}

func TestNobodyHoldsAConnectionByWaiting(t *testing.T) {
	for what, text := range map[string]string{
		"a connection without a request": "",
		"half a header":                  "GET /healthz HTTP/1.1\r\nHost: local",
		"a body that does not come":      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
		"half a body":                    "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf",
		"a connection kept for later":    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		inMemory(t, func(t *testing.T, dial func() net.Conn) {
			conn, begun := dial(), time.Now()
			defer conn.Close()
			say(conn, text)
			_ = conn.SetReadDeadline(begun.Add(time.Hour))
			if _, err := io.Copy(io.Discard, conn); err != nil || time.Since(begun) > time.Minute {
				t.Errorf("%s holds its connection for %v: %v", what, time.Since(begun), err)
			}
		})
	}
}

func TestWhoDoesNotReadTheAnswerIsLetGo(t *testing.T) {
	inMemory(t, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer conn.Close()
		say(conn, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
		time.Sleep(2 * time.Minute) // of the test's clock; nothing of the answer is read meanwhile
		_ = conn.SetReadDeadline(time.Now().Add(time.Hour))
		if got, err := io.ReadAll(conn); err != nil || strings.Contains(string(got), "200 OK") {
			t.Errorf("after two minutes the answer is still to be had: %v, %d bytes", err, len(got))
		}
	})
}

func TestHeadersAndConnectionsAreBounded(t *testing.T) {
	inMemory(t, func(t *testing.T, dial func() net.Conn) {
		conn := dial()
		defer conn.Close()
		say(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\n")
		answer := make([]byte, 12)
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 431" {
			t.Errorf("100 KB of headers: %q, %v; want them refused", answer, err)
		}
	})
	inMemory(t, func(t *testing.T, dial func() net.Conn) {
		for range console.MostConnections {
			defer dial().Close()
		}
		synctest.Wait()
		late := dial()
		defer late.Close()
		say(late, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		_ = late.SetReadDeadline(time.Now().Add(time.Second))
		if n, err := late.Read(make([]byte, 1)); n > 0 || !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "timeout") {
			t.Errorf("a connection too many is served at once: %d bytes, %v", n, err)
		}
		_ = late.SetReadDeadline(time.Now().Add(time.Minute))
		if answer, err := io.ReadAll(late); err != nil || !strings.Contains(string(answer), "200 OK") {
			t.Errorf("when idle connections have been let go, it is not served: %q, %v", answer, err)
		}
	})
}
