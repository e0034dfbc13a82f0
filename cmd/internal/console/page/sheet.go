package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"sync"
	"time"
)

// sheet is one page before it is written.
type sheet struct {
	to      string // go there instead; nothing else counts
	status  int    // 0: 200
	page    string // its template
	Title   string
	Section string // which entry of the navigation it belongs to
	Body    any    // what the template shows

	Visitor Visitor
	Missing bool  // not all that is on record has been read yet
	Behind  int64 // records to go, as far as is known
	Now     time.Time
	Static  string // where style sheet and script are
}

//go:embed templates static
var files embed.FS

// version names what the static files are: it changes with them, so that browsers may keep them for ever.
var version = sync.OnceValue(func() string {
	sum := sha256.New()
	for _, name := range []string{"style.css", "live.js", "icon.svg"} {
		content, _ := files.ReadFile("static/" + name)
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
})

// sheets are the templates of all pages, each within the frame.
var sheets = sync.OnceValue(func() map[string]*template.Template {
	frame := template.Must(template.New("").Funcs(words).ParseFS(files, "templates/frame.html", "templates/part_*.html"))
	names, _ := fs.Glob(files, "templates/*.html")
	all := map[string]*template.Template{}
	for _, name := range names {
		page := template.Must(template.Must(frame.Clone()).ParseFS(files, name))
		all[path.Base(name[:len(name)-len(".html")])] = page
	}
	return all
})

// write writes a sheet. What goes wrong in a template shows before anything is sent.
func (s *Site) write(w http.ResponseWriter, sheet *sheet, visitor Visitor) {
	sheet.Visitor, sheet.Now, sheet.Static = visitor, time.Now().UTC(), "/static/"+version()
	if sheet.Section != "" {
		state := s.Book.State()
		sheet.Missing, sheet.Behind = !state.Whole, state.Behind
	}
	var text bytes.Buffer
	if err := sheets()[sheet.page].ExecuteTemplate(&text, "frame", sheet); err != nil {
		if s.Log != nil {
			s.Log.Error("a page could not be written", "page", sheet.page, "error", err)
		}
		http.Error(w, "this page could not be written: the log says more", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-store") // it shows people
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	if sheet.status != 0 {
		w.WriteHeader(sheet.status)
	}
	_, _ = text.WriteTo(w) // a reader that has gone is nobody's concern
}

// static serves the style sheet, the script and the icon.
func static(w http.ResponseWriter, r *http.Request) {
	content, err := files.ReadFile("static/" + path.Base(r.PathValue("name")))
	if err != nil || r.PathValue("version") != version() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, r.PathValue("name"), time.Time{}, bytes.NewReader(content))
}
