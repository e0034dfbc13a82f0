package console

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"kindred/cmd/internal/console/api"
)

// fromHere refuses requests that somebody's browser was led to make. A name that is none of ours was pointed at this address by
// another site (DNS rebinding); an Origin that is not the address asked is the page of another site.
func (s *Server) fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hostAllowed(r.Host) {
			refuse(w, r, http.StatusMisdirectedRequest, "this server is not known by that name", "--http-name adds one")
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !sameHost(origin, r.Host) || crossOrigin.Check(r) != nil {
			refuse(w, r, http.StatusForbidden, "pages of another origin are not answered", "open this server's own address")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// crossOrigin finds what changes something and comes from a page of another origin, as browsers say it.
var crossOrigin = http.NewCrossOriginProtection()

// refuse answers what is not let through, to programs as the API does.
func refuse(w http.ResponseWriter, r *http.Request, status int, title, try string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		api.Refuse(w, status, title, try)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, title+": "+try, status)
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
