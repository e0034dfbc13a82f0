package page

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/pipeline/learn"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

// Facts is what the pages show. *reading.Facts is one.
type Facts interface {
	Segments(context.Context) (all []reading.Segment, waiting int, err error)
	WithLive(context.Context, []schemas.Expansion) (all []reading.Expansion, why error)
	Expansion(id string) (*schemas.Expansion, error)
	Members(ctx context.Context, id string, limit int, after string) (*reading.Page, error)
	HeldOut(ctx context.Context, id string, limit int, after string) (*reading.Page, error)
	Drift(ctx context.Context, e *schemas.Expansion) (*learn.Drift, error) // nil: its model does not tell
	Why(ctx context.Context, id, customer string) (*reading.Why, error)
	Fields(ctx context.Context, segment string) (*reading.Fields, error)
	Health(context.Context) *reading.Health
}

// Book is what is on record. *reading.Book is one.
type Book interface {
	Expansions() []schemas.Expansion // deleted ones, too
	Runs(expansion string, limit int) []reading.Run
	WholeRun(ctx context.Context, expansion, run string) (*schemas.Run, error)
	State() reading.State
}

// Site makes the pages.
type Site struct {
	Facts   Facts
	Book    Book
	Ask     func(context.Context, *schemas.ExpandRequest) error              // publishes a request, which has an id
	Replay  func(ctx context.Context, letter int64) (said string, err error) // puts a dead letter back; nil: nobody can
	Visitor func(*http.Request) Visitor                                      // nil: everybody may do everything
	Presets selection.Presets                                                // of one's own, as far as this process knows them
	Log     *slog.Logger                                                     // nil: nothing is logged
}

// Visitor is who asks for a page.
type Visitor struct {
	Name   string // of the token; empty: none is asked for
	Editor bool   // may change something
}

// policy lets a page use nothing but what this server gives. Nothing is framed, and forms go nowhere else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

const (
	largestForm  = 1 << 20 // bytes
	answerWithin = 20 * time.Second
)

// Handler serves the pages.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	for route, make := range map[string]func(*http.Request) (*sheet, error){
		"GET /{$}":       s.list,
		"GET /expand":    s.expandForm,
		"POST /expand":   s.expand,
		"GET /expansion": s.expansion,
		"GET /members":   s.members,
		"GET /why":       s.why,
		"GET /drift":     s.drift,
		"GET /edit":      s.editForm,
		"POST /edit":     s.edit,
		"GET /rename":    s.renameForm,
		"POST /rename":   s.rename,
		"GET /delete":    s.deleteForm,
		"POST /delete":   s.delete,
		"POST /refresh":  s.refresh,
		"POST /cancel":   s.cancel,
		"GET /run":       s.run,
		"GET /runs":      s.runs,
		"GET /fields":    s.fields,
		"GET /health":    s.health,
		"POST /replay":   s.replay,
	} {
		mux.HandleFunc(route, s.page(make))
	}
	mux.HandleFunc("GET /static/{version}/{name}", static)
	mux.HandleFunc("/", s.page(func(*http.Request) (*sheet, error) {
		return nil, &problem{http.StatusNotFound, "There is no such page", "The address may be mistyped, or what it showed is gone."}
	}))
	return mux
}

// page answers with the sheet that a function makes, or with what kept it from doing so.
func (s *Site) page(make func(*http.Request) (*sheet, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, largestForm)
		visitor := Visitor{Editor: true}
		if s.Visitor != nil {
			visitor = s.Visitor(r)
		}
		err := forbidden(r, visitor)
		var sheet *sheet
		if err == nil {
			sheet, err = make(r)
		}
		if err != nil {
			sheet = s.sorry(r, err)
		}
		if sheet.to != "" {
			http.Redirect(w, r, sheet.to, http.StatusSeeOther)
			return
		}
		s.write(w, sheet, visitor)
	}
}

// forbidden keeps those who may only look from what changes something, and from forms for it.
func forbidden(r *http.Request, visitor Visitor) error {
	if !visitor.Editor && (r.Method == http.MethodPost || slices.Contains(editing, r.URL.Path)) {
		return &problem{http.StatusForbidden, "You may look, but change nothing", "Log in with the token of an editor to do that."}
	}
	return nil
}

// editing are the pages that are nothing but a form.
var editing = []string{"/expand", "/edit", "/rename", "/delete"}

// problem is why there is no page, in words.
type problem struct {
	Status int
	Title  string
	Text   string
}

func (p *problem) Error() string { return p.Title }

// sorry says why there is no page, and what to do.
func (s *Site) sorry(r *http.Request, err error) *sheet {
	p := &problem{http.StatusServiceUnavailable, "That could not be read", "Kafka or Redis did not say. Try again in a moment; Health and the log say more."}
	var refusal *reading.Refusal
	var malformed *schemas.Malformed // of what was asked for
	switch {
	case errors.As(err, &p):
	case errors.As(err, &malformed):
		p = &problem{http.StatusUnprocessableEntity, "That cannot be asked for", sentence(malformed.Message) + " Go back, and change it."}
	case errors.As(err, &refusal):
		p = &problem{refusedStatus[refusal.Code], cmp.Or(refusedTitle[refusal.Code], "Not now"), sentence(refusal.Err.Error())}
		p.Status = cmp.Or(p.Status, http.StatusServiceUnavailable)
	case r.Context().Err() != nil:
		p = &problem{http.StatusServiceUnavailable, "That took too long", "Kafka or Redis did not answer in time. Try again in a moment."}
	default:
		s.warn(r, err)
	}
	return &sheet{status: p.Status, page: "problem", Title: p.Title, Section: "none", Body: p}
}

// warn logs what nobody is told on a page: addresses of servers, and the like.
func (s *Site) warn(r *http.Request, err error) {
	if s.Log != nil && err != nil {
		s.Log.Warn("not all of a page is known", "path", r.URL.Path, "error", err)
	}
}

var refusedStatus = map[string]int{
	reading.NoExpansion: http.StatusNotFound, reading.NoSegment: http.StatusNotFound, reading.NoRun: http.StatusNotFound,
	reading.WasDeleted: http.StatusNotFound, reading.NotYet: http.StatusNotFound, reading.BadPlace: http.StatusBadRequest,
}

var refusedTitle = map[string]string{
	reading.NoExpansion: "There is no such expansion", reading.NoSegment: "There is no such segment", reading.NoRun: "There is no such run",
	reading.WasDeleted: "It was deleted", reading.NotYet: "Nothing to show yet", reading.NotReady: "Customers are still being read", reading.Busy: "Too many look at once",
}

// at returns an address with its query: names and values by turns. Empty values are left out.
func at(path string, query ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			values.Set(query[i], query[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
