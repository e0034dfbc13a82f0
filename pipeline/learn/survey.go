package learn

import (
	"context"

	"kindred/pipeline/field"
	"kindred/schemas"
)

// Survey is what a run would find before it chooses fields.
type Survey struct {
	Customers field.Count // with a profile and consent; Source: those of them in the segment
	Segment   int64       // its members, with or without a profile
	Fields    []field.Surveyed
}

// Survey counts who has which value, as the caches are now. With the id of a segment, or of an expansion if it is derived, fields
// are also judged by whether they give it away; it may be empty.
func (t *Trainer) Survey(ctx context.Context, declared []schemas.Field, segment string, derived bool) (*Survey, error) {
	r := t.run(&Lesson{Declared: declared}, func(schemas.Stage, float64) {})
	r.Definition.SourceSegmentID = segment
	if derived {
		r.Derived = []string{segment}
	}
	if err := r.scan(ctx); err != nil {
		return nil, err
	}
	defer r.release(true)
	tallies, size, err := r.count(ctx)
	if err != nil {
		return nil, err
	}
	return &Survey{r.customers, size, field.New(declared, r.customers, tallies).Survey()}, nil
}
