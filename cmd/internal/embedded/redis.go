package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"kindred/schemas/retry"
)

// Bounds of what a client of the embedded Redis may send. The server itself takes every length as it comes, which ends the
// process, and would run scripts for ever.
const (
	longestValue   = 64 << 20  // bytes of one argument
	longestCommand = 512 << 20 // bytes of all arguments of one command
	mostArguments  = 1 << 20
	longestString  = 16 << 20 // bytes that SETRANGE may make of a value; the largest block of a cache has 3.2 million
	longestLine    = 32       // of a length: a sign, digits, the line's end
)

// commands are those that kindred needs, and those of somebody who looks around with redis-cli.
var commands = []string{
	"AUTH", "CLIENT", "COMMAND", "DBSIZE", "DEL", "DISCARD", "ECHO", "EXEC", "EXISTS", "FLUSHALL", "FLUSHDB", "GET", "GETRANGE",
	"HDEL", "HELLO", "HEXISTS", "HGET", "HGETALL", "HKEYS", "HLEN", "HMGET", "HSCAN", "HSET", "HVALS", "INFO", "KEYS", "MULTI",
	"PING", "QUIT", "SCAN", "SELECT", "SET", "SETRANGE", "STRLEN", "TTL", "TYPE", "UNLINK", "UNWATCH", "WATCH",
}

// redis is the embedded Redis: miniredis behind a listener that guards it.
type redis struct {
	*miniredis.Miniredis
	listener net.Listener
	serving  sync.WaitGroup
}

func startRedis(ctx context.Context, addr string) (*redis, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	r := &redis{Miniredis: miniredis.NewMiniRedis(), listener: listener}
	first, err := r.Dial() // starts it without a listener of its own
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	first.Close()
	r.Server().SetPreHook(refuseCommand)
	r.serving.Go(r.serve)
	return r, nil
}

// serve hands connections to the server until the listener is closed. Anything else that Accept complains of passes.
func (r *redis) serve() {
	pauses := retry.Backoff{First: time.Millisecond, Last: time.Second}
	for {
		conn, err := r.listener.Accept()
		switch {
		case err == nil:
			pauses.Reset()
			r.Server().ServeConn(&guardedRedis{Conn: conn, from: bufio.NewReader(conn)})
		case errors.Is(err, net.ErrClosed):
			return
		default:
			_ = pauses.Wait(context.Background())
		}
	}
}

func (r *redis) close() error {
	err := r.listener.Close()
	r.serving.Wait()
	r.Close()
	return err
}

// refuseCommand answers a command that the server is not to run. It reports whether it did.
func refuseCommand(c *server.Peer, command string, arguments ...string) bool {
	if !slices.Contains(commands, command) {
		c.WriteError(fmt.Sprintf("ERR the embedded Redis does not know '%.20s'", printable(command)))
		return true
	}
	if command == "SETRANGE" && len(arguments) == 3 {
		offset, err := strconv.Atoi(arguments[1])
		if err != nil || offset < 0 || offset > longestString-len(arguments[2]) {
			c.WriteError(fmt.Sprintf("ERR the embedded Redis keeps strings of at most %d bytes", longestString))
			return true
		}
	}
	return false
}

// printable replaces what must not stand in an error line.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return '?'
		}
		return r
	}, text)
}

// guardedRedis looks at the lengths in a stream of commands before the server does, and ends the connection at the first that
// is out of bounds. Only one goroutine at a time reads.
type guardedRedis struct {
	net.Conn
	from *bufio.Reader

	line      []byte // a header that was read and the server has not had yet
	value     int    // bytes that are left of an argument, with its line's end
	arguments int    // that are left of a command
	size      int    // bytes of the command so far
}

func (c *guardedRedis) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(c.line) == 0 && c.value == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if len(c.line) > 0 {
		n := copy(p, c.line)
		c.line = c.line[n:]
		return n, nil
	}
	n, err := c.from.Read(p[:min(len(p), c.value)])
	c.value -= n
	return n, err
}

// next reads the header of the next command (*2) or of its next argument ($3).
func (c *guardedRedis) next() error {
	line, err := c.from.ReadSlice('\n')
	if err != nil {
		return err // also of a line that does not fit into the reader's buffer
	}
	if len(line) < 4 || len(line) > longestLine || line[len(line)-2] != '\r' {
		return fmt.Errorf("a header of %d bytes: %w", len(line), errRefused)
	}
	number, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil {
		return fmt.Errorf("a length that is no number: %w", errRefused)
	}
	switch {
	case c.arguments == 0 && line[0] == '*' && number >= 1 && number <= mostArguments:
		c.arguments, c.size = number, 0
	case c.arguments > 0 && line[0] == '$' && number >= 0 && number <= longestValue && c.size+number <= longestCommand:
		c.arguments--
		c.size += number
		c.value = number + len("\r\n")
	default:
		return fmt.Errorf("a header that is out of bounds: %w", errRefused)
	}
	c.line = append(c.line[:0], line...)
	return nil
}
