package page

import (
	"cmp"
	"net/http"
)

// login is the page that asks for a token.
type login struct {
	Wrong string // why the last one was none; empty: there was no last one
	Next  string // where to go then
}

// Login writes the page that asks for a token: the form posts token, and next, to /login. wrong says why the last one was none;
// empty: there was no last one, or nothing is wrong. next is a path here.
func (s *Site) Login(w http.ResponseWriter, status int, wrong, next string) {
	s.write(w, &sheet{status: cmp.Or(status, http.StatusOK), page: "login", Title: "Log in", Body: &login{wrong, next}}, Visitor{})
}
