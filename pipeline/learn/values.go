package learn

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"kindred/pipeline/field"
	"kindred/pipeline/format"
	"kindred/pipeline/model"
	"kindred/schemas"
)

// fieldReports returns the reports of all fields, with how much each counts that was used, and which of its values speak for a
// customer and which against. Of a model that was recalled they are as they were reported then.
func (r *run) fieldReports() []schemas.FieldReport {
	reports := slices.Clone(r.choice.Reports)
	for i := range reports {
		of := &reports[i]
		named := func(f schemas.FieldReport) bool { return f.Name == of.Name }
		k := slices.IndexFunc(r.choice.Columns, func(c field.Column) bool { return c.Name == of.Name })
		switch {
		case k < 0:
		case r.recalled:
			if was := slices.IndexFunc(r.Last.Report.Fields, named); was >= 0 {
				last := &r.Last.Report.Fields[was]
				of.Influence, of.For, of.Against = last.Influence, last.For, last.Against
			}
		default:
			if r.fitted.Influence != nil {
				of.Influence = r.fitted.Influence[k]
			}
			of.For, of.Against = speaking(r.values(k, field.Whole(of.Type)))
		}
	}
	return reports
}

// values returns what each level of a column means: the lift is what the model makes of it, beside the average customer.
func (r *run) values(column int, whole bool) []schemas.ValueReport {
	c, counts, f := &r.choice.Columns[column], r.choice.Counts[column], &r.model.Fields[column]
	weights := make([]float64, c.Levels())
	values := make([]schemas.ValueReport, c.Levels())
	var mean float64
	for level := range values {
		weight := f.Absent
		values[level] = schemas.ValueReport{Value: format.NoValue, Customers: counts[level].All}
		switch {
		case level == int(c.Absent):
		case c.Bounds != nil:
			from, to := f.Range(level)
			weight, values[level].Value = f.Weights[strconv.Itoa(level)], format.Range(from, to, whole)
		default:
			weight, values[level].Value = f.Weights[c.Values[level]], format.Words(c.Values[level])
		}
		weights[level] = float64(weight) / model.One
		mean += weights[level] * float64(counts[level].All) / float64(r.customers.All)
	}
	for level := range values {
		values[level].Lift = threeDigits(math.Exp(weights[level] - mean))
	}
	return values
}

// speaking returns the values that speak most for a customer, and those that speak most against.
func speaking(values []schemas.ValueReport) (most, least []schemas.ValueReport) {
	const named = 3
	slices.SortStableFunc(values, func(a, b schemas.ValueReport) int { return cmp.Compare(b.Lift, a.Lift) })
	for _, v := range values {
		if v.Lift > 1 && len(most) < named {
			most = append(most, v)
		}
	}
	for _, v := range slices.Backward(values) {
		if v.Lift < 1 && len(least) < named {
			least = append(least, v)
		}
	}
	return most, least
}

func threeDigits(number float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(number, 'g', 3, 64), 64)
	return rounded
}
