package embedded_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"kindred/cmd/internal/embedded"
)

// Whatever comes on its port, the server goes on serving those who speak Redis.
func TestStrangeCommandsAreClosedNotServed(t *testing.T) {
	pair := start(t, embedded.Options{})
	for name, sent := range map[string]string{
		"http":                     "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"a huge length":            "*1\r\n$9223372036854775807\r\n",
		"a length of 1 GB":         "*1\r\n$1000000000\r\n",
		"a negative length":        "*1\r\n$-1\r\n",
		"no argument":              "*0\r\n",
		"a negative number":        "*-1\r\n",
		"a huge number":            "*9223372036854775807\r\n$4\r\nPING\r\n",
		"a number that is none":    "*x\r\n$4\r\nPING\r\n",
		"an array in a command":    "*2\r\n*1\r\n$4\r\nPING\r\n",
		"a line without an end":    "*" + strings.Repeat("1", 1<<20),
		"a line without a return":  "*1\n$4\nPING\n",
		"an argument of two lines": "*1\r\n$4\r\nPI\r\nNG\r\n$4\r\n",
	} {
		conn, err := net.Dial("tcp", pair.RedisAddr)
		ok(t, err)
		_, _ = conn.Write([]byte(sent))
		_ = conn.(*net.TCPConn).CloseWrite()
		answer, _ := io.ReadAll(conn) // ends when the server closes; a reset is as good
		if strings.Contains(string(answer), "PONG") {
			t.Errorf("%s was served: %q", name, answer)
		}
		conn.Close()
	}
	r := redis.NewClient(&redis.Options{Addr: pair.RedisAddr})
	defer r.Close()
	ok(t, r.Set(t.Context(), "key", "value", 0).Err())
	for name, refused := range map[string]error{
		"a script":               r.Eval(t.Context(), "while true do end", nil).Err(),
		"a huge string":          r.SetRange(t.Context(), "key", 1_000_000_000_000, "x").Err(),
		"a string just too long": r.SetRange(t.Context(), "key", 16<<20, "x").Err(),
		"a shutdown":             r.Do(t.Context(), "shutdown", "nosave").Err(),
		"bits far away":          r.SetBit(t.Context(), "bits", 1<<32-1, 1).Err(),
	} {
		if refused == nil {
			t.Errorf("%s was served", name)
		}
	}
	ok(t, r.SetRange(t.Context(), "key", 16<<20-1, "x").Err())
	ok(t, r.Set(t.Context(), "large", strings.Repeat("x", 4<<20), 0).Err())
	if n := r.StrLen(t.Context(), "large").Val(); n != 4<<20 {
		t.Errorf("a value of 4 MiB has %d bytes", n)
	}
}
