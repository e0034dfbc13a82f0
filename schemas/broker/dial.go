package broker

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connection is a TCP connection that does not tell Go's scheduler of its system calls. Its socket never blocks, so there is nothing
// to tell. But an ordinary call wakes the scheduler's monitor, a thread that then looks every few microseconds whether the call is
// over: it took a quarter of the processor time of a worker.
type connection struct {
	*net.TCPConn
	raw syscall.RawConn
}

// longCall is the most bytes of one such call: until it is over, no goroutine runs on its processor.
const longCall = 64 << 10

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c, nil
	}
	return &connection{tcp, raw}, nil
}

func (c *connection) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	var failed syscall.Errno
	if err := c.raw.Read(func(fd uintptr) bool {
		n, failed = call(unix.SYS_READ, fd, b[:min(len(b), longCall)])
		return failed != unix.EAGAIN
	}); err != nil {
		return 0, err
	}
	switch {
	case failed != 0:
		return 0, c.failed("read", failed)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *connection) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		var n int
		var failed syscall.Errno
		if err := c.raw.Write(func(fd uintptr) bool {
			n, failed = call(unix.SYS_WRITE, fd, b[:min(len(b), longCall)])
			return failed != unix.EAGAIN
		}); err != nil {
			return written, err
		}
		if failed != 0 {
			return written, c.failed("write", failed)
		}
		written, b = written+n, b[n:]
	}
	return written, nil
}

func (c *connection) failed(what string, errno syscall.Errno) error {
	return &net.OpError{Op: what, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(what, errno)}
}

// call is a read into bytes, or a write of them: one at least.
func call(number, fd uintptr, bytes []byte) (int, syscall.Errno) {
	for {
		n, _, failed := unix.RawSyscall(number, fd, uintptr(unsafe.Pointer(&bytes[0])), uintptr(len(bytes)))
		switch failed {
		case 0:
			return int(n), 0
		case unix.EINTR:
		default:
			return 0, failed
		}
	}
}
