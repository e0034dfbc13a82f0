package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kindred/cmd/internal/config"
)

// sessionFor is how long a browser stays logged in.
const sessionFor = 12 * time.Hour

// seal makes the value of a cookie: the name of a token and when it ends, signed with the token. Every process with the same tokens
// knows it, none has to remember it, and it ends when the token is withdrawn.
func seal(t *config.Token, until time.Time) string {
	head := base64.RawURLEncoding.EncodeToString([]byte(t.Name)) + "." + strconv.FormatInt(until.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(t.Value))
	mac.Write([]byte("session of kindred " + head))
	return head + "." + hex.EncodeToString(mac.Sum(nil))
}

// session returns the token that a cookie was sealed with, and whether its time is over; nil: there is none.
func (g *Gate) session(cookie string) (found *config.Token, over bool) {
	parts := strings.Split(cookie, ".")
	if len(parts) != 3 {
		return nil, false
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return nil, false
	}
	until := time.Unix(seconds, 0)
	for i := range g.Tokens {
		if hmac.Equal([]byte(cookie), []byte(seal(&g.Tokens[i], until))) {
			found = &g.Tokens[i]
		}
	}
	return found, found != nil && time.Now().After(until)
}

// encrypted reports whether the browser's side of the connection is.
func encrypted(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") // a lie only harms who tells it
}

// cookieName returns the name of the cookie. With the prefix a browser takes it only over an encrypted connection, from this host.
func cookieName(r *http.Request) string {
	if encrypted(r) {
		return "__Host-kindred"
	}
	return "kindred"
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: encrypted(r), SameSite: http.SameSiteStrictMode,
	})
}

func forget(w http.ResponseWriter, r *http.Request) { setCookie(w, r, "", -1) }

// LoginPage shows the form.
func (g *Gate) LoginPage(w http.ResponseWriter, r *http.Request) {
	g.Form(w, http.StatusOK, "", place(r.FormValue("to")))
}

// Login takes a token for a cookie.
func (g *Gate) Login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	to := place(r.PostFormValue("to"))
	if len(g.Tokens) == 0 {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	token := g.find(strings.TrimSpace(r.PostFormValue("token")))
	if !g.guesses.judge(r.RemoteAddr, token != nil, time.Now()) {
		w.Header().Set("Retry-After", "60")
		g.Form(w, http.StatusTooManyRequests, "Too many tokens were wrong: wait a minute.", to)
		return
	}
	if token == nil {
		g.Form(w, http.StatusUnauthorized, "That is none of the tokens that this server knows.", to)
		return
	}
	setCookie(w, r, seal(token, time.Now().Add(sessionFor)), int(sessionFor.Seconds()))
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// Logout makes the browser forget its cookie.
func (g *Gate) Logout(w http.ResponseWriter, r *http.Request) {
	forget(w, r)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// loginOf returns where somebody logs in who wanted to see something.
func loginOf(r *http.Request) string {
	if to := place(r.URL.RequestURI()); to != "/" {
		return "/login?to=" + url.QueryEscape(to)
	}
	return "/login"
}

// place returns a place on this server: the one that is named, or the first page when it lies elsewhere.
func place(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
