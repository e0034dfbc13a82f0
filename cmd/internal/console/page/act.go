package page

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// act is a page that asks whether something is to be done to an expansion.
type act struct {
	*schemas.Expansion
	Live   *reading.Live // nil: not known
	Wrong  string
	Typed  string
	UsedBy []string // expansions that stand on it
}

func (s *Site) renameForm(r *http.Request) (*sheet, error) {
	e, err := s.shown(r)
	if err != nil {
		return nil, err
	}
	return &sheet{page: "rename", Title: "Rename " + named(e), Section: "segments", Body: &act{Expansion: e, Typed: e.Name}}, nil
}

func (s *Site) rename(r *http.Request) (*sheet, error) {
	e, err := s.shown(r)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(r.PostFormValue("name"))
	if wrong := wrongName(name); wrong != "" {
		return &sheet{page: "rename", status: http.StatusUnprocessableEntity, Title: "Rename " + named(e), Section: "segments",
			Body: &act{Expansion: e, Typed: name, Wrong: wrong}}, nil
	}
	return s.asked(r, &schemas.ExpandRequest{Action: schemas.Rename, ExpansionID: e.ExpansionID, Name: &name}, nil)
}

func wrongName(name string) string {
	switch n := len([]rune(name)); {
	case n == 0:
		return "Say how people should call it."
	case n > schemas.LongestName:
		return fmt.Sprintf("Use at most %d characters.", schemas.LongestName)
	}
	return ""
}

func (s *Site) deleteForm(r *http.Request) (*sheet, error) {
	e, _, err := s.withLive(r)
	if err != nil {
		return nil, err
	}
	a := &act{Expansion: &e.Expansion, Live: e.Live}
	for _, other := range s.Book.Expansions() {
		if d := other.Definition; d != nil && other.State != schemas.StateDeleted {
			for _, id := range d.Segments() {
				if id == e.ExpansionID {
					a.UsedBy = append(a.UsedBy, other.ExpansionID)
					break
				}
			}
		}
	}
	return &sheet{page: "delete", Title: "Delete " + named(&e.Expansion), Section: "segments", Body: a}, nil
}

func (s *Site) delete(r *http.Request) (*sheet, error)  { return s.simply(r, schemas.Delete) }
func (s *Site) cancel(r *http.Request) (*sheet, error)  { return s.simply(r, schemas.Cancel) }
func (s *Site) refresh(r *http.Request) (*sheet, error) { return s.simply(r, schemas.Refresh) }

// simply asks for an action that needs nothing but the expansion.
func (s *Site) simply(r *http.Request, action schemas.Action) (*sheet, error) {
	id := r.PostFormValue("id")
	if schemas.ValidExpansionID(id) != nil {
		return nil, &problem{http.StatusNotFound, "There is no such expansion", "The form names none."}
	}
	force := action == schemas.Refresh && r.PostFormValue("force") != ""
	return s.asked(r, &schemas.ExpandRequest{Action: action, ExpansionID: id, Force: force}, nil)
}

// fieldsPage is what is known of the fields.
type fieldsPage struct {
	*reading.Fields
	Segment     string
	Choices     []choice
	Recommended int
}

func (s *Site) fields(r *http.Request) (*sheet, error) {
	p := &fieldsPage{Segment: r.FormValue("segment"), Choices: s.choices(r.Context(), s.Book.Expansions())}
	var err error
	if p.Fields, err = s.Facts.Fields(r.Context(), p.Segment); err != nil {
		return nil, err
	}
	for _, f := range p.Fields.Fields {
		if f.Recommended {
			p.Recommended++
		}
	}
	return &sheet{page: "fields", Title: "Fields", Section: "fields", Body: p}, nil
}

// health is how an installation is.
type health struct {
	*reading.Health
	Replay bool   // dead letters can be put back from here
	Said   string // what became of one that was put back
}

func (s *Site) health(r *http.Request) (*sheet, error) {
	return &sheet{page: "health", Title: "Health", Section: "health", Body: &health{Health: s.Facts.Health(r.Context()), Replay: s.Replay != nil}}, nil
}

// replay puts a dead letter back, and says what became of it.
func (s *Site) replay(r *http.Request) (*sheet, error) {
	offset, err := strconv.ParseInt(r.PostFormValue("letter"), 10, 64)
	if err != nil || s.Replay == nil {
		return nil, &problem{http.StatusNotFound, "There is no such dead letter", "The form names none."}
	}
	said, err := s.Replay(r.Context(), offset)
	if err != nil {
		return nil, err
	}
	sheet, err := s.health(r)
	if err == nil {
		sheet.Body.(*health).Said = said
	}
	return sheet, err
}
