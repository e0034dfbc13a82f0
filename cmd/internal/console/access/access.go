// Package access decides who may ask: by the token that a program sends, or by the cookie that a browser got for one at /login.
// Without tokens everybody may do everything, which only this machine's own can reach.
//
// A token is never logged, sent back or put into a page. What it does not know: what is asked for.
package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"kindred/cmd/internal/config"
)

// Visitor is who asks.
type Visitor struct {
	Name   string // of the token; empty: it has none, or none was asked for
	Editor bool   // may ask for changes
}

// ErrViewer is the error of a change that somebody asks for who may only look.
var ErrViewer = errors.New("a viewer may change nothing")

type visitorKey struct{}

// Of returns who asks, as a Gate has found out. Behind no Gate that is nobody, who may change nothing.
func Of(ctx context.Context) Visitor {
	visitor, _ := ctx.Value(visitorKey{}).(Visitor)
	return visitor
}

// Gate lets in whoever shows one of its tokens.
type Gate struct {
	Tokens []config.Token // empty: everybody is let in

	// Form shows the form of /login, with what was wrong, or nothing. It posts token and to.
	Form func(w http.ResponseWriter, status int, wrong, to string)

	// Denied answers a program that is not let in: 401, or 429.
	Denied func(w http.ResponseWriter, r *http.Request, status int, title, try string)

	guesses guesses
}

// Programs lets a request through that has a token, and answers any other.
func (g *Gate) Programs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if visitor, status := g.look(w, r); status == http.StatusOK {
			next.ServeHTTP(w, with(r, visitor))
		} else {
			g.deny(w, r, status)
		}
	})
}

// People is Programs for pages: whoever has no token is sent to the form.
func (g *Gate) People(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visitor, status := g.look(w, r)
		switch {
		case status == http.StatusOK:
			next.ServeHTTP(w, with(r, visitor))
		case status == http.StatusUnauthorized && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, loginOf(r), http.StatusSeeOther)
		default:
			g.deny(w, r, status)
		}
	})
}

func with(r *http.Request, visitor Visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, visitor))
}

// look finds out who asks: 200, or 401 without a token that is right, or 429 after too many that were wrong.
func (g *Gate) look(w http.ResponseWriter, r *http.Request) (Visitor, int) {
	if len(g.Tokens) == 0 {
		return Visitor{Editor: true}, http.StatusOK
	}
	var token *config.Token
	if shown := bearer(r); shown != "" {
		token = g.find(shown)
	} else {
		cookie, err := r.Cookie(cookieName(r))
		if err != nil || cookie.Value == "" {
			return Visitor{}, http.StatusUnauthorized
		}
		var over bool
		if token, over = g.session(cookie.Value); token == nil || over {
			forget(w, r)
		}
		if over {
			return Visitor{}, http.StatusUnauthorized // which is no guess
		}
	}
	switch {
	case !g.guesses.judge(r.RemoteAddr, token != nil, time.Now()):
		return Visitor{}, http.StatusTooManyRequests
	case token == nil:
		return Visitor{}, http.StatusUnauthorized
	}
	return Visitor{token.Name, token.Editor}, http.StatusOK
}

func (g *Gate) deny(w http.ResponseWriter, r *http.Request, status int) {
	title, try := "this needs a token", "Authorization: Bearer TOKEN"
	if status == http.StatusTooManyRequests {
		title, try = "too many tokens were wrong", "again in a minute, with the right one"
		w.Header().Set("Retry-After", "60")
	} else {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	g.Denied(w, r, status, title, try)
}

// bearer returns the token that a program sends; empty: none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// find returns the token of a value; nil: there is none. Hashes are compared, all of them each time, so that the time it takes does
// not show how much of a token was right.
func (g *Gate) find(value string) (found *config.Token) {
	got := sha256.Sum256([]byte(value))
	for i := range g.Tokens {
		want := sha256.Sum256([]byte(g.Tokens[i].Value))
		if subtle.ConstantTimeCompare(got[:], want[:]) == 1 {
			found = &g.Tokens[i]
		}
	}
	return found
}
