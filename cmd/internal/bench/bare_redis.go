package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"kindred/pipeline/cache"
)

// bareRedis is a connection to Redis without a client around it. What it reads a second is what Redis can send.
type bareRedis struct {
	net.Conn
	in *bufio.Reader
}

func dialRedis(address string) (*bareRedis, error) {
	conn, err := net.DialTimeout("tcp", address, 3*time.Second)
	if err != nil {
		return nil, err
	}
	return &bareRedis{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

// appendCommand appends a command as Redis reads it.
func appendCommand(dst []byte, words ...string) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(words))
	for _, word := range words {
		dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(word), word)
	}
	return dst
}

// value reads one string reply into a buffer, which grows as needed.
func (r *bareRedis) value(buffer []byte) ([]byte, error) {
	line, err := r.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	size, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(line, "$"), "\r\n"))
	if err != nil || size < 0 || line[0] != '$' {
		return nil, fmt.Errorf("redis answers %q", strings.TrimSpace(line))
	}
	if cap(buffer) < size+2 {
		buffer = make([]byte, size+2)
	}
	buffer = buffer[:size+2]
	_, err = io.ReadFull(r.in, buffer)
	return buffer[:size], err
}

const (
	bareConnections = 2
	bareInFlight    = 8 // GETs at a time on each
)

// getBare gets the blocks of some views again, into buffers that nobody looks at, and returns how long that took; 0: it
// cannot be measured.
func (w *world) getBare(views []*cache.View) (time.Duration, error) {
	if w.Redis == "" {
		return 0, nil
	}
	var keys []string
	bytes := 0
	for _, v := range views {
		for b := range v.Blocks() {
			keys = append(keys, w.key(v.Shard, "rows:"+strconv.Itoa(b)), w.key(v.Shard, "ids:"+strconv.Itoa(b)))
			bytes += stored(v, b)
		}
	}
	connections := make([]*bareRedis, bareConnections)
	for i := range connections {
		c, err := dialRedis(w.Redis)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		connections[i] = c
	}
	began := time.Now()
	var got [bareConnections]int
	var group errgroup.Group
	for i, c := range connections {
		group.Go(func() (err error) {
			got[i], err = c.get(every(keys, i, bareConnections))
			return err
		})
	}
	err := group.Wait()
	took := time.Since(began)
	if err == nil && got[0]+got[1] != bytes {
		err = fmt.Errorf("bare GETs gave %d bytes of %d", got[0]+got[1], bytes)
	}
	return took, err
}

// get gets values one after the other, a few at a time, and counts their bytes.
func (r *bareRedis) get(keys []string) (bytes int, err error) {
	var out, in []byte
	for len(keys) > 0 {
		some := keys[:min(bareInFlight, len(keys))]
		keys = keys[len(some):]
		out = out[:0]
		for _, key := range some {
			out = appendCommand(out, "GET", key)
		}
		if _, err := r.Write(out); err != nil {
			return bytes, err
		}
		for range some {
			if in, err = r.value(in); err != nil {
				return bytes, err
			}
			bytes += len(in)
		}
	}
	return bytes, nil
}

// info asks for one number of a section of INFO.
func (r *bareRedis) info(section, name string) (int64, error) {
	if _, err := r.Write(appendCommand(nil, "INFO", section)); err != nil {
		return 0, err
	}
	text, err := r.value(nil)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+":"); found {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("redis does not report its %s", name)
}
