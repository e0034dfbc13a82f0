package bench

import (
	"math"
	"slices"
)

// Growth is the same measures in worlds of different sizes.
type Growth struct {
	Axes []Axis `json:"axes"`
}

// Axis is how the measures change with one size, while the others stay as they are.
type Axis struct {
	Name   string  `json:"name"` // customers, fields, expansions
	Points []Point `json:"points"`
}

// Point is a world of one size.
type Point struct {
	At     int     `json:"at"`
	Report *Report `json:"report"`
}

// Sizes are those of the worlds, each ascending. The axes cross at the middle number of customers and of fields, and at
// the least number of expansions. Of what has one size only there is no axis.
type Sizes struct {
	Customers  []int
	Fields     []int
	Expansions []int
}

// Grow measures a world of every size once, by run.
func (s Sizes) Grow(run func(customers, fields, expansions int) (*Report, error)) (*Growth, error) {
	type size struct{ customers, fields, expansions int }
	cross := size{s.Customers[len(s.Customers)/2], s.Fields[len(s.Fields)/2], s.Expansions[0]}
	known := map[size]*Report{}
	axis := func(name string, along []int, at func(int) size) (a Axis, err error) {
		a.Name = name
		for _, n := range along {
			of := at(n)
			if known[of] == nil {
				if known[of], err = run(of.customers, of.fields, of.expansions); err != nil {
					return a, err
				}
			}
			a.Points = append(a.Points, Point{n, known[of]})
		}
		return a, nil
	}
	g := new(Growth)
	for _, next := range []struct {
		name  string
		along []int
		at    func(int) size
	}{
		{"customers", s.Customers, func(n int) size { return size{n, cross.fields, cross.expansions} }},
		{"fields", s.Fields, func(n int) size { return size{cross.customers, n, cross.expansions} }},
		{"expansions", s.Expansions, func(n int) size { return size{cross.customers, cross.fields, n} }},
	} {
		if len(next.along) < 2 {
			continue
		}
		a, err := axis(next.name, next.along, next.at)
		if err != nil {
			return nil, err
		}
		g.Axes = append(g.Axes, a)
	}
	return g, nil
}

// line is one figure as it grows.
type line struct {
	name    string
	measure string
	figure  string
	whole   bool // the figure is a rate: shown is how long all customers take
}

// band is what can be compared with each other: lines of one unit.
type band struct {
	title  string
	unit   string
	linear bool // linear growth is drawn beside them, to compare with
	lines  []line
}

var bands = []band{
	{"seconds", Seconds, true, []line{
		{"ingest", "ingest", "profile events", true},
		{"rebuild", "rebuild", "until ready", false},
		{"expand", "expand", "request to success", false},
		{"refresh", "refresh", "request to success", false},
		{"fit", "fit", "fit", false},
		{"scan", "scan", "all of it, all cores", true},
	}},
	{"milliseconds", Milliseconds, false, []line{
		{"live p99.9", "live", "p99.9", false},
		{"live p99", "live", "p99", false},
		{"live p50", "live", "p50", false},
	}},
	{"bytes a customer", Bytes, false, []line{
		{"memory of owners", "memory", "owners, heap in use", false},
		{"memory of Redis", "memory", "Redis, in use", false},
	}},
}

// Growing are the measures that growth shows. The rate at which memberships are published is not among them: it is of
// records, however many customers there are.
func Growing() (names []string) {
	for _, b := range bands {
		for _, l := range b.lines {
			if !slices.Contains(names, l.measure) {
				names = append(names, l.measure)
			}
		}
	}
	return names
}

// of finds the line's value in a report; 0: it was not measured.
func (l line) of(r *Report) float64 {
	f := r.Find(l.measure, l.figure)
	switch {
	case f == nil:
		return 0
	case l.whole:
		return float64(r.Customers) / f.Value
	}
	return f.Value
}

// slope is how a line grows along an axis: 1 is linearly, 0 not at all. It is NaN when there are no two points.
func (a *Axis) slope(l line) float64 {
	if len(a.Points) == 0 {
		return math.NaN()
	}
	first, last := a.Points[0], a.Points[len(a.Points)-1]
	return math.Log(l.of(last.Report)/l.of(first.Report)) / math.Log(float64(last.At)/float64(first.At))
}

// measured returns the lines of a band that have points on some axis.
func (g *Growth) measured(b band) (lines []line) {
	for _, l := range b.lines {
		for _, a := range g.Axes {
			if len(a.Points) > 0 && l.of(a.Points[0].Report) > 0 {
				lines = append(lines, l)
				break
			}
		}
	}
	return lines
}
