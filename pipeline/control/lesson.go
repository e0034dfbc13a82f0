package control

import (
	"context"
	"maps"
	"slices"

	"kindred/pipeline/learn"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// lesson returns what to learn, from the segments and the declared fields as they are now: the router has done all that
// came before the request. What refuses it is a *schemas.RunError.
func (w *work) lesson(ctx context.Context) (learn.Lesson, error) {
	segments := map[string]*schemas.Segment{}
	if _, err := w.readAll(ctx, schemas.Segments, func(r *wire.Record) error {
		return w.learnSegment(segments, r)
	}); err != nil {
		return learn.Lesson{}, err
	}
	declared, err := w.declared(ctx)
	if err != nil {
		return learn.Lesson{}, err
	}
	if w.e.Definition == nil && segments[w.e.ExpansionID] != nil {
		return learn.Lesson{}, takenBySegment(w.e.ExpansionID)
	}
	l := learn.Lesson{ExpansionID: w.e.ExpansionID, Ends: *w.e.Run.Ends, Declared: declared}
	l.Definition = define(w.e.Definition, &w.e.Run.Request, func(id string) string {
		if s := segments[id]; s != nil && s.Name != "" {
			return s.Name
		}
		return id
	})
	if why := refusedBySegments(&l.Definition, segments); why != nil {
		return l, why
	}
	return l, nil
}

// declared reads the declared fields, by name. A declaration that cannot be read changes nothing.
func (w *work) declared(ctx context.Context) ([]schemas.Field, error) {
	declared := map[string]schemas.Field{}
	if _, err := w.readAll(ctx, schemas.Fields, func(r *wire.Record) error {
		var f schemas.Field
		if r.Value == nil {
			delete(declared, string(r.Key))
		} else if err := decode(r, f.Decode); err == nil {
			declared[f.Name] = f
		} else {
			w.Log.Warn("the declaration of a field cannot be read", "offset", r.Offset, "error", err)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	fields := make([]schemas.Field, 0, len(declared))
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		fields = append(fields, declared[name])
	}
	return fields, nil
}
