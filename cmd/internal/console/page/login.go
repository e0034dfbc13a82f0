package page

import "net/http"

// login is the page that asks for a token.
type login struct {
	Wrong string // why the last one was none; empty: there was no last one
	To    string // where to go then
}

// Login writes the page that asks for a token: its form posts token and to, which is where to go then, to /login. wrong says why
// the last token was none; empty: there was no last one.
func (s *Site) Login(w http.ResponseWriter, status int, wrong, to string) {
	s.write(w, &sheet{status: status, page: "login", Title: "Log in", Body: &login{wrong, to}}, Visitor{})
}
