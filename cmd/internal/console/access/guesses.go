package access

import (
	"net/netip"
	"sync"
	"time"
)

// guesses counts wrong tokens by where they come from. Each address has some, and gets one back every now and then: guessing a
// token would take longer than anybody has, and costs the process nothing.
type guesses struct {
	mu sync.Mutex
	of map[netip.Addr]left
}

// left is how many wrong tokens an address may still send, as of a time.
type left struct {
	n  float64
	at time.Time
}

const (
	mostGuesses   = 20
	guessEvery    = 3 * time.Second
	mostAddresses = 4096 // that are remembered
	networkOfIPv6 = 64   // bits: whoever has an address has all of these
)

// may reports whether an address may send a token now.
func (g *guesses) may(from string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now(network(from), now) >= 1
}

// wrong counts a token that was wrong.
func (g *guesses) wrong(from string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil || len(g.of) >= mostAddresses {
		g.of = map[netip.Addr]left{} // so many are no guess of one
	}
	of := network(from)
	g.of[of] = left{g.now(of, now) - 1, now}
}

func (g *guesses) now(of netip.Addr, now time.Time) float64 {
	l, known := g.of[of]
	if !known {
		return mostGuesses
	}
	return min(mostGuesses, l.n+now.Sub(l.at).Seconds()/guessEvery.Seconds())
}

// network returns whom an address stands for.
func network(from string) netip.Addr {
	at, err := netip.ParseAddrPort(from)
	if err != nil {
		return netip.Addr{}
	}
	address := at.Addr().Unmap()
	if address.Is6() {
		if prefix, err := address.Prefix(networkOfIPv6); err == nil {
			return prefix.Addr()
		}
	}
	return address
}
