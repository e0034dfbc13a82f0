package broker_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"kindred/schemas/broker"
)

// connected returns both ends of a connection.
func connected(t *testing.T) (ours net.Conn, theirs *net.TCPConn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if ours, err = broker.Dial(t.Context(), "tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	return ours, accepted.(*net.TCPConn)
}

// What is larger than the buffers of both ends makes either wait for the other.
func TestAConnectionCarriesEveryByte(t *testing.T) {
	ours, theirs := connected(t)
	go io.Copy(theirs, theirs)
	sent := make([]byte, 16<<20)
	for i := range sent {
		sent[i] = byte(i * 7 >> 3)
	}
	wrote := make(chan error, 1)
	go func() {
		n, err := ours.Write(sent)
		if err == nil && n != len(sent) {
			err = io.ErrShortWrite
		}
		wrote <- err
	}()
	came := make([]byte, len(sent))
	if _, err := io.ReadFull(ours, came); err != nil || !bytes.Equal(came, sent) {
		t.Errorf("not what was sent came back: %v", err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

func TestAConnectionFailsAsAnyOther(t *testing.T) {
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	read := func(c net.Conn) error {
		_, err := c.Read(make([]byte, 1))
		return err
	}
	ours, theirs := connected(t)
	if n, err := ours.Read(nil); n != 0 || err != nil {
		t.Errorf("nothing to read into: %d, %v", n, err)
	}
	ours.SetReadDeadline(time.Now().Add(-time.Second))
	check("too late", read(ours), os.ErrDeadlineExceeded)
	ours.SetReadDeadline(time.Time{})
	theirs.Close()
	check("the other end has closed", read(ours), io.EOF)

	ours, theirs = connected(t)
	theirs.SetLinger(0)
	theirs.Close()
	err := read(ours)
	check("the other end has gone", err, syscall.ECONNRESET)
	if is := (*net.OpError)(nil); !errors.As(err, &is) || is.Op != "read" {
		t.Errorf("%v is no error of reading from the network", err)
	}
	_, err = ours.Write([]byte{1})
	check("writing to it", err, syscall.EPIPE)

	ours.Close()
	check("closed", read(ours), net.ErrClosed)
	_, err = ours.Write([]byte{1})
	check("closed", err, net.ErrClosed)
}
