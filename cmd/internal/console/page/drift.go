package page

import (
	"net/http"
	"slices"

	"kindred/cmd/internal/terminal"
	"kindred/pipeline/learn"
)

// drift is how far the profiles have moved since an expansion was learned.
type drift struct {
	*learn.Drift // nil: the model does not tell
	ID, Name     string
	Shift        *warning // nil: nothing has shifted
	Stable       float64  // below it nothing has changed that matters
	Shifted      float64  // above it the model knows other customers than there are
}

func (s *Site) drift(r *http.Request) (*sheet, error) {
	e, err := s.shown(r)
	if err != nil {
		return nil, err
	}
	d := &drift{ID: e.ExpansionID, Name: named(e), Stable: learn.Stable, Shifted: learn.Shifted}
	if d.Drift, err = s.Facts.Drift(r.Context(), e); err != nil {
		return nil, err
	}
	if d.Drift != nil {
		d.Drift = visible(d.Drift)
	}
	if d.Drift != nil && d.Warning != nil {
		shift := warningOf(d.Warning, e.ExpansionID, "")
		d.Shift = &shift
	}
	return &sheet{page: "drift", Title: "Drift of " + d.Name, Section: "segments", Body: d}, nil
}

// visible returns a drift without the values whose shares read alike then and now.
func visible(found *learn.Drift) *learn.Drift {
	shown := *found // others may look at it, too
	shown.Fields = slices.Clone(found.Fields)
	for i := range shown.Fields {
		f := &shown.Fields[i]
		f.Moved = slices.DeleteFunc(slices.Clone(f.Moved), func(m learn.MovedShare) bool { return terminal.Percent(m.Was) == terminal.Percent(m.Is) })
	}
	return &shown
}
