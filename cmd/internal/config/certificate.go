package config

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// checkCertificate is how often the files of the HTTP server's certificate are looked at again.
const checkCertificate = time.Minute

// certificate is one in files, which somebody renews while the process runs.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	loaded  *tls.Certificate
	changed time.Time // of the later of the two files, when it was loaded
	next    time.Time // when to look again
}

// HTTPTLS returns how the HTTP server encrypts; nil: not at all. A certificate that is renewed in its files is taken within a
// minute. One that cannot be read then leaves the one before in use.
func (s *Server) HTTPTLS() (*tls.Config, error) {
	if s.HTTPCert == "" {
		return nil, nil
	}
	key, err := os.Stat(s.HTTPKey)
	if err != nil {
		return nil, fmt.Errorf("--http-key: %w", err)
	}
	if readByOthers(key) {
		return nil, fmt.Errorf("--http-key %s can be read by other users of this machine (mode %#o): chmod 600 it", s.HTTPKey, key.Mode().Perm())
	}
	c := &certificate{cert: s.HTTPCert, key: s.HTTPKey}
	if err := c.load(time.Now()); err != nil {
		return nil, fmt.Errorf("--http-cert and --http-key: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.After(c.next) {
		_ = c.load(now) // half of a renewal, perhaps: the next look finds the rest
	}
	return c.loaded, nil
}

func (c *certificate) load(now time.Time) error {
	c.next = now.Add(checkCertificate)
	changed := c.lastChange()
	if c.loaded != nil && changed.Equal(c.changed) {
		return nil
	}
	loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.loaded, c.changed = &loaded, changed
	return nil
}

func (c *certificate) lastChange() (last time.Time) {
	for _, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}
