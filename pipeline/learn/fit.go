package learn

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"kindred/pipeline/field"
	"kindred/pipeline/model"
	"kindred/pipeline/train"
	"kindred/schemas"
)

// fit draws a sample, and makes a model of what a classifier finds in it: has found, if the last model was found in the same, or
// that of a run that this one shares with.
func (r *run) fit(ctx context.Context, last *model.Model) error {
	r.progress(schemas.Training, 0)
	problem, err := r.problem(ctx)
	if err != nil {
		return err
	}
	r.progress(schemas.Training, 0.1)
	found := fingerprint(problem, r.choice.Columns)
	if !r.retake(last, found) {
		fit := func() (*train.Result, error) { return train.Fit(ctx, *problem) }
		if r.fitted, err = r.Shared.fit(ctx, found, fit); err != nil {
			return unlearnable(err)
		}
		r.model = quantized(r.fitted, r.choice.Columns)
		r.model.Fingerprint = found
	}
	r.model.Definition, r.model.Bands = r.Definition, r.preset.Bounds
	r.countInto(r.model)
	r.rule = ruleOf(r.choice.Columns, rowsOf(problem.Source, problem.Elsewhere.Source), rowsOf(problem.Background, problem.Elsewhere.Background))
	return nil
}

// levels returns how many levels each column has.
func levels(columns []field.Column) []int {
	n := make([]int, len(columns))
	for i := range columns {
		n[i] = columns[i].Levels()
	}
	return n
}

// ordered returns how many levels of each column are ranges of numbers: the first ones.
func ordered(columns []field.Column) []int {
	n := make([]int, len(columns))
	for i := range columns {
		if columns[i].Bounds != nil {
			n[i] = len(columns[i].Bounds) + 1
		}
	}
	return n
}

// The bounds of what texts a model repeats in crosses, in bytes: with them it stays far below what a record may hold, unless it
// would hardly fit without crosses.
const (
	longestCrossed = 2_000   // of the values of a field that is crossed
	longestAll     = 200_000 // of the values of all fields; with more, none is crossed
)

// apart returns the columns that are not to be crossed: their values would make too long a model.
func apart(columns []field.Column) []bool {
	lengths, all := make([]int, len(columns)), 0
	for i := range columns {
		for _, value := range columns[i].Values {
			lengths[i] += len(value)
		}
		all += lengths[i]
	}
	long := make([]bool, len(columns))
	for i := range long {
		long[i] = all > longestAll || lengths[i] > longestCrossed
	}
	return long
}

// shares returns bounds as scores from 0 to 1.
func shares(bounds model.Bounds) (from [3]float64) {
	for i, b := range bounds {
		from[i] = float64(b) / model.Best
	}
	return from
}

// unlearnable turns the errors of data from which nothing can be learned into refusals.
func unlearnable(err error) error {
	switch {
	case errors.Is(err, train.ErrNoBackground):
		return schemas.Refuse(schemas.CodeBadValue, "take a source that not every customer is in", "%v", err)
	case errors.Is(err, train.ErrNoSource):
		return schemas.Refuse(schemas.CodeSourceTooSmall, "wait until profiles have arrived (kindred doctor)", "%v", err)
	case errors.Is(err, train.ErrConstant):
		return schemas.Refuse(schemas.CodeBadField, "choose other fields (--field)", "%v", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return schemas.Internal(fmt.Errorf("train: %w", err))
}

// quantized makes a model of a fit: whole-number weights by value.
func quantized(fitted *train.Result, columns []field.Column) *model.Model {
	m := &model.Model{Bias: model.Quantize(fitted.Bias), Scores: model.Thresholds(fitted.Curve.Sum)}
	for i := range columns {
		c := &columns[i]
		f := model.Field{Name: c.Name, Numbers: c.Numbers, Bounds: c.Bounds, Weights: map[string]int32{}}
		texts := texts(c)
		for level, logits := range fitted.Weights[i] {
			weight := model.Quantize(logits)
			if level == int(c.Absent) {
				f.Absent = weight
			} else {
				f.Weights[texts[level]] = weight
			}
		}
		m.Fields = append(m.Fields, f)
	}
	for _, cross := range fitted.Crosses {
		m.Crosses = append(m.Crosses, crossed(cross, columns))
	}
	return m
}

// crossed makes a cross of a model.
func crossed(cross train.Cross, columns []field.Column) (c model.Cross) {
	for _, f := range cross.Fields {
		c.Fields = append(c.Fields, columns[f].Name)
		c.Values = append(c.Values, texts(&columns[f]))
	}
	for _, logits := range cross.Weights {
		c.Weights = append(c.Weights, model.Quantize(logits))
	}
	return c
}

// texts returns what a model calls the levels of a column. Absence is the empty text.
func texts(c *field.Column) []string {
	texts := make([]string, c.Levels())
	for level := range texts {
		switch {
		case level == int(c.Absent):
		case c.Bounds != nil:
			texts[level] = strconv.Itoa(level)
		default:
			texts[level] = c.Values[level]
		}
	}
	return texts
}
