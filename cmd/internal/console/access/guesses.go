package access

import (
	"net/netip"
	"sync"
	"time"
)

// guesses counts wrong tokens by where they come from. Each address has some, and gets one back every now and then: guessing a
// token would take longer than anybody has, and costs the process nothing. Where somebody with a right one was seen lately, as
// behind a proxy that everybody shares, wrong ones keep out no right one: tokens are too long to be guessed there, too.
type guesses struct {
	mu sync.Mutex
	of map[netip.Addr]left
}

// left is how many wrong tokens an address may still send, as of a time.
type left struct {
	n     float64
	at    time.Time
	right time.Time // when a right one came last
}

const (
	mostGuesses   = 20
	guessEvery    = 3 * time.Second
	mostAddresses = 4096 // that are remembered
	networkOfIPv6 = 64   // bits: whoever has an address has all of these
)

// judge notes that a token was shown, and whether it was right. It reports false when it may not even be said which: too many were
// wrong.
func (g *guesses) judge(from string, right bool, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	of := network(from)
	l := left{g.now(of, now), now, g.of[of].right}
	if l.n < 1 && !(right && now.Sub(l.right) < sessionFor) {
		return false
	}
	if right {
		l.right = now
	} else {
		l.n--
	}
	if _, known := g.of[of]; g.of == nil || !known && len(g.of) >= mostAddresses {
		g.of = map[netip.Addr]left{} // so many are no guess of one
	}
	g.of[of] = l
	return true
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
