package learn_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kindred/pipeline/model"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// TestTheReportTellsWhichValuesSpeak: counts and lifts are those that one finds by going through all customers, those in Oslo and
// the older ones speak for a customer, and a value that few have is not named.
func TestTheReportTellsWhichValuesSpeak(t *testing.T) {
	customers := testkit.Town(6000)
	for i := range 9 {
		customers[i].City, customers[i].Segments, customers[i].Refuses = "Rare", []string{"vip"}, false
	}
	result, err := learned(t, cached(t, customers, 2), 2, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	customers = slices.DeleteFunc(customers, func(c testkit.Customer) bool { return c.Refuses })
	field := func(name string) (schemas.FieldReport, *model.Field) {
		r := slices.IndexFunc(result.Report.Fields, func(f schemas.FieldReport) bool { return f.Name == name })
		m := slices.IndexFunc(result.Model.Fields, func(f model.Field) bool { return f.Name == name })
		return result.Report.Fields[r], &result.Model.Fields[m]
	}
	// check goes through the customers: word says in words what one has, and weight what it weighs.
	check := func(of schemas.FieldReport, word func(testkit.Customer) string, weight func(testkit.Customer) int32) {
		t.Helper()
		var mean float64
		for _, c := range customers {
			mean += float64(weight(c)) / model.One / float64(len(customers))
		}
		for _, v := range append(slices.Clone(of.For), of.Against...) {
			var n int64
			var lift float64
			for _, c := range customers {
				if word(c) == v.Value {
					n++
					lift = math.Exp(float64(weight(c))/model.One - mean)
				}
			}
			if n != v.Customers || n < 10 || math.Abs(lift/v.Lift-1) > 0.01 {
				t.Errorf("of %s it says %+v, there are %d with a lift of %v", of.Name, v, n, lift)
			}
		}
		for _, values := range [][]schemas.ValueReport{of.For, of.Against} {
			if len(values) == 0 || len(values) > 3 {
				t.Errorf("%s names %d values", of.Name, len(values))
			}
			for i := 1; i < len(values); i++ {
				if math.Abs(math.Log(values[i].Lift)) > math.Abs(math.Log(values[i-1].Lift)) {
					t.Errorf("of %s the weightiest is not first: %+v", of.Name, values)
				}
			}
		}
	}

	city, weights := field("City")
	check(city, func(c testkit.Customer) string {
		if c.City == "" {
			return "no value"
		}
		return c.City
	}, func(c testkit.Customer) int32 {
		if c.City == "" {
			return weights.Absent
		}
		return weights.Weights[strconv.Quote(c.City)]
	})
	if city.For[0].Value != "Oslo" || city.For[0].Lift < 2 || city.Against[0].Lift > 0.9 {
		t.Errorf("of the cities %+v speak for a customer, %+v against", city.For, city.Against)
	}

	age, ages := field("Age")
	level := func(c testkit.Customer) int { return ages.Level(float64(c.Age)) }
	check(age, func(c testkit.Customer) string {
		if c.Age == 0 {
			return "no value"
		}
		from, to := ages.Range(level(c))
		switch {
		case math.IsInf(from, -1):
			return "up to " + strconv.Itoa(int(to)-1)
		case math.IsInf(to, 1):
			return strconv.Itoa(int(from)) + " and more"
		}
		return strconv.Itoa(int(from)) + " to " + strconv.Itoa(int(to)-1)
	}, func(c testkit.Customer) int32 {
		if c.Age == 0 {
			return ages.Absent
		}
		return ages.Weights[strconv.Itoa(level(c))]
	})
	if from, err := strconv.Atoi(strings.Fields(age.For[0].Value)[0]); err != nil || from <= 45 {
		t.Errorf("of the ages %+v speak most for a customer", age.For)
	}
}
