package bench

import (
	"context"
	"fmt"
	"time"

	"kindred/cmd/internal/demo"
	"kindred/pipeline/train"
)

// fit fits a classifier to a sample as large as a run's may be: C is chosen, the last fit sees all.
func (w *world) fit(ctx context.Context) (Measure, error) {
	m := Measure{What: "a classifier fitted to source members and others, its C chosen by cross-validation"}
	sources := min(train.SourceRows, max(w.Customers/6, 1))
	others := min(train.BackgroundRows, max(w.Customers-sources, 1))
	var times, areas []float64
	for range w.Repeat {
		problem := w.problem(sources, others)
		began := time.Now()
		fitted, err := train.Fit(ctx, problem)
		if err != nil {
			return m, err
		}
		times = append(times, time.Since(began).Seconds())
		areas = append(areas, fitted.Quality.AUC)
		if problem.Source.Len() != sources || problem.Background.Len() != others {
			return m, fmt.Errorf("fitted to %d and %d customers", problem.Source.Len(), problem.Background.Len())
		}
		columns := 0
		for _, levels := range problem.Levels {
			columns += levels
		}
		m.Counts = map[string]int64{
			"source": int64(problem.Source.Len()), "background": int64(problem.Background.Len()), "columns": int64(columns),
		}
	}
	m.Figures = []Figure{figure("fit", Seconds, times), figure("AUC, held out", Share, areas)}
	return m, nil
}

// problem makes up customers until there are enough of both kinds. Bands are those of the default preset.
func (w *world) problem(sources, others int) train.Problem {
	p := train.Problem{
		Source:     &train.Sample{Limit: sources, Of: int64(sources), Width: w.Fields},
		Background: &train.Sample{Limit: others, Of: int64(others), Width: w.Fields},
		Bands:      [3]float64{0.4, 0.6, 0.8},
	}
	for f := range w.Fields {
		p.Levels = append(p.Levels, values(f))
	}
	var id []byte
	var levels []uint8
	for customer := 0; sources > 0 || others > 0; customer++ {
		into, left := p.Background, &others
		if w.made.vip(customer) {
			into, left = p.Source, &sources
		}
		if *left == 0 {
			continue
		}
		*left--
		id = demo.AppendID(id[:0], customer)
		levels = w.made.levels(levels[:0], customer, 0)
		into.Add(train.Hash(id), id, levels)
	}
	return p
}
