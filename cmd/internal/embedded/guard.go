package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	shortestSession = time.Second // of a group member; a real broker allows 6 s, tests want less

	// longestRequest bounds what a client can make the server allocate. kindred's own requests have up to 16 MB.
	longestRequest = 20 << 20 // bytes

	requestHead = 8 // bytes: length, api key, version; a whole request has at least 4 more
)

// guardedListener stands before a server that a strange request would kill or bloat: it takes a length as it comes,
// and an unknown kind of request ends the process. A connection that sends such a thing is closed.
type guardedListener struct{ net.Listener }

func (l *guardedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guardedConn{Conn: conn}, nil
}

// guardedConn looks at the head of each request before the server does. Only one goroutine at a time reads.
type guardedConn struct {
	net.Conn
	head [requestHead]byte
	seen int // bytes of head that the server has had; all of it between requests
	left int // bytes of the request's rest that are still to come
}

func (c *guardedConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.seen < requestHead {
		n := copy(p, c.head[c.seen:])
		c.seen += n
		return n, nil
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// next reads the head of the next request and refuses what the server could not bear.
func (c *guardedConn) next() error {
	if _, err := io.ReadFull(c.Conn, c.head[:]); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(c.head[0:])
	key := int16(binary.BigEndian.Uint16(c.head[4:]))
	version := int16(binary.BigEndian.Uint16(c.head[6:]))
	switch {
	case length > longestRequest:
		return fmt.Errorf("a request of %d bytes: %w", length, errRefused)
	case length < requestHead:
		return fmt.Errorf("a request without a head: %w", errRefused)
	case !known(key) || version < 0 || version > newestVersion:
		return fmt.Errorf("request %d in version %d: %w", key, version, errRefused)
	}
	c.seen, c.left = 0, int(length)-(requestHead-4)
	return nil
}

var errRefused = errors.New("refused by the guard")

const newestVersion = 32 // above every version of every request; the server itself refuses those it does not have

// known reports whether the server has a handler for a kind of request.
func known(key int16) bool {
	switch {
	case key >= 0 && key <= 3, key >= 8 && key <= 37, key >= 42 && key <= 51:
		return true
	case key >= 76 && key <= 79, key >= 90 && key <= 92:
		return true
	}
	switch key {
	case 57, 60, 61, 65, 66, 68, 69, 71, 72, 74, 75:
		return true
	}
	return false
}
