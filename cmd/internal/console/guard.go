package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// fromHere refuses requests that somebody's browser was led to make. A name that is none of ours was pointed at this address by
// another site (DNS rebinding); an Origin that is not the address asked is the page of another site.
func (s *Server) fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hostAllowed(r.Host) {
			http.Error(w, "this server is not known by that name: --http-name adds one", http.StatusMisdirectedRequest)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !sameHost(origin, r.Host) {
			http.Error(w, "pages of another origin are not answered", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostAllowed reports whether requests may come under a name. A server that only this machine can reach has only the names of
// loopback and those in Hosts. One that others reach, which asks for a token, is known by any name unless there are some in
// Hosts.
func (s *Server) hostAllowed(hostport string) bool {
	host := hostOf(hostport)
	if host == "" || host == "localhost" || isLoopback(host) { // a browser always says a name
		return true
	}
	if len(s.Hosts) == 0 {
		return !isLoopback(hostOf(s.Listener.Addr().String()))
	}
	return slices.ContainsFunc(s.Hosts, func(name string) bool { return strings.EqualFold(name, host) })
}

// hostOf returns the name or address of host:port, in lower case and without brackets.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(host)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// sameHost reports whether an Origin is of the host that was asked. The scheme may differ: something before us may end TLS.
func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// withToken asks for a token. Hashes are compared, all of them each time, so that the time it takes does not show how much of a
// token was right.
func (s *Server) withToken(next http.Handler) http.Handler {
	if len(s.Tokens) == 0 {
		return next
	}
	want := make([][sha256.Size]byte, len(s.Tokens))
	for i, token := range s.Tokens {
		want[i] = sha256.Sum256([]byte(token))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(token)))
		right := 0
		for i := range want {
			right |= subtle.ConstantTimeCompare(got[:], want[i][:])
		}
		if !strings.EqualFold(scheme, "Bearer") || right == 0 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "this needs a token: Authorization: Bearer ...", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
