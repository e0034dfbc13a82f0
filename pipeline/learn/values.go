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
			of.For, of.Against = speaking(r.values(k, r.whole(k)))
		}
	}
	return reports
}

// values returns what each level of a column means: the lift is what the model makes of it, beside the average customer.
func (r *run) values(column int, whole bool) []schemas.ValueReport {
	c, counts, f := &r.choice.Columns[column], r.choice.Counts[column], &r.model.Fields[column]
	weights, customers := make([]int32, c.Levels()), make([]int64, c.Levels())
	for level, text := range texts(c) {
		weights[level], customers[level] = f.Weights[text], counts[level].All
		if level == int(c.Absent) {
			weights[level] = f.Absent
		}
	}
	return r.lifts(weights, customers, func(level int) string { return r.word(column, level, whole) })
}

// word says in words what the customers of a level have.
func (r *run) word(column, level int, whole bool) string {
	c := &r.choice.Columns[column]
	switch {
	case level == int(c.Absent):
		return format.NoValue
	case c.Bounds != nil:
		from, to := r.model.Fields[column].Range(level)
		return format.Range(from, to, whole)
	}
	return format.Words(c.Values[level])
}

// lifts returns what each of some weights means beside the average customer. What fewer than ten customers have is left out.
func (r *run) lifts(weights []int32, customers []int64, word func(i int) string) (values []schemas.ValueReport) {
	const fewestNamed = 10
	var mean float64
	for i, weight := range weights {
		mean += float64(weight) / model.One * float64(customers[i]) / float64(r.customers.All)
	}
	for i, weight := range weights {
		if customers[i] >= fewestNamed {
			lift := threeDigits(math.Exp(float64(weight)/model.One - mean))
			values = append(values, schemas.ValueReport{Value: word(i), Lift: lift, Customers: customers[i]})
		}
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
