package page_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// element is an element of a page, with its attributes.
type element struct {
	name       string
	attributes map[string]string
	text       string // directly inside
}

// markup is what a page is made of.
type markup struct {
	elements []*element
	links    []string // addresses that it leads to
	forms    []form
}

// form is a form with what a browser would send of it.
type form struct {
	method, action string
	values         url.Values
	buttons        [][2]string // names and values of those that send it
}

// parse reads a page as a browser does, as far as that matters here.
func parse(t *testing.T, text string) *markup {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "<!doctype html>")))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	m := &markup{}
	var open []*element
	var in *form
	var choose string // the select that is open
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return m
		}
		if err != nil {
			t.Fatalf("it is not well formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attributes: map[string]string{}}
			for _, a := range token.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			m.elements, open = append(m.elements, e), append(open, e)
			switch e.name {
			case "a":
				m.links = append(m.links, e.attributes["href"])
			case "form":
				m.forms = append(m.forms, form{method: e.attributes["method"], action: e.attributes["action"], values: url.Values{}})
				in = &m.forms[len(m.forms)-1]
			case "select":
				choose = e.attributes["name"]
			}
			if in != nil {
				in.take(e, choose)
			}
		case xml.EndElement:
			if token.Name.Local == "form" {
				in = nil
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			}
		}
	}
}

// take adds what an element of the form sends.
func (f *form) take(e *element, choose string) {
	_, disabled := e.attributes["disabled"]
	_, checked := e.attributes["checked"]
	_, selected := e.attributes["selected"]
	name, value := e.attributes["name"], e.attributes["value"]
	switch kind := e.attributes["type"]; {
	case disabled:
	case e.name == "button" && name != "":
		f.buttons = append(f.buttons, [2]string{name, value})
	case e.name == "option" && (selected || !f.values.Has(choose)):
		f.values.Set(choose, value)
	case e.name != "input" || name == "":
	case kind == "checkbox" || kind == "radio":
		if checked {
			if value == "" {
				value = "on"
			}
			f.values.Add(name, value)
		}
	default:
		f.values.Add(name, value)
	}
}

// visit is a page that was visited.
type visit struct {
	at     string
	status int
	header http.Header
	text   string
	*markup
}

// get asks for a page.
func get(t *testing.T, h http.Handler, at string) *visit {
	t.Helper()
	return do(t, h, httptest.NewRequest("GET", "http://console"+at, nil))
}

// post sends a form.
func post(t *testing.T, h http.Handler, at string, values url.Values) *visit {
	t.Helper()
	r := httptest.NewRequest("POST", "http://console"+at, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, h, r)
}

func do(t *testing.T, h http.Handler, r *http.Request) *visit {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	v := &visit{at: r.Method + " " + r.URL.RequestURI(), status: w.Code, header: w.Header(), text: w.Body.String(), markup: &markup{}}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && w.Code != http.StatusSeeOther {
		v.markup = parse(t, v.text)
	}
	return v
}

// mostAlike is how many pages of one path are visited: there is one of each customer.
const mostAlike = 20

// crawl visits every page that can be reached from the first by links and by forms that change nothing, and calls visit for each.
func crawl(t *testing.T, h http.Handler, each func(*visit)) {
	t.Helper()
	seen, alike, next := map[string]bool{}, map[string]int{}, []string{"/"}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if at == "" || strings.HasPrefix(at, "#") || seen[at] {
			continue
		}
		seen[at] = true
		path, _, _ := strings.Cut(at, "?")
		if alike[path]++; alike[path] > mostAlike {
			continue
		}
		v := get(t, h, at)
		each(v)
		next = append(next, v.links...)
		for _, f := range v.forms {
			if f.method == "get" {
				next = append(next, f.action+"?"+f.values.Encode())
			}
		}
	}
}
