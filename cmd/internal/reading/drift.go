package reading

import (
	"context"
	"time"

	"kindred/pipeline/learn"
	"kindred/schemas"
)

// Drift finds out how far the profiles have moved since an expansion was learned. Nil: its model does not tell. It reads some
// thousand rows from Redis, which is more than a page should ask for again and again.
func (f *Facts) Drift(ctx context.Context, e *schemas.Expansion) (*learn.Drift, error) {
	if e.Definition == nil || e.State == schemas.StateDeleted {
		return nil, nil
	}
	leave, err := f.reads.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := learn.Drifts(limited, f.Cache, f.Shards, e.ExpansionID)
	return found[e.ExpansionID], readable(err)
}
