package bench

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"
)

// Report is all that was measured.
type Report struct {
	Go         string    `json:"go"`
	Platform   string    `json:"platform"`
	Cores      int       `json:"cores"` // that Go may use
	Servers    string    `json:"servers"`
	Customers  int       `json:"customers"`
	Fields     int       `json:"fields"`
	Expansions int       `json:"expansions"`
	Rate       int       `json:"rate"`    // profile events a second, of live
	Seconds    float64   `json:"seconds"` // for which they came
	Repeat     int       `json:"repeat"`  // figures are medians of so many
	Shards     int       `json:"shards"`
	Seed       uint64    `json:"seed"`
	Measures   []Measure `json:"measures"`
}

func (b *Bench) report() *Report {
	servers := "Kafka and Redis of their own"
	if b.Embedded {
		servers = "Kafka and Redis embedded in this process"
	}
	return &Report{
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Servers: servers,
		Customers: b.Customers, Fields: b.Fields, Expansions: b.Expansions, Rate: b.Rate, Seconds: b.Duration.Seconds(),
		Repeat: b.Repeat, Shards: b.Shards, Seed: b.Seed, Measures: []Measure{},
	}
}

// Find returns a figure by the name of its measure and its own; nil: it was not measured.
func (r *Report) Find(measure, figure string) *Figure {
	for _, m := range r.Measures {
		for i := range m.Figures {
			if m.Name == measure && m.Figures[i].Name == figure {
				return &m.Figures[i]
			}
		}
	}
	return nil
}

// Measure is one thing that was measured.
type Measure struct {
	Name    string           `json:"name"`
	What    string           `json:"what"`
	Counts  map[string]int64 `json:"counts"` // as found where the work ended, in the last run
	Figures []Figure         `json:"figures"`
	Notes   []string         `json:"notes,omitempty"` // what a reader must know
}

// Units of figures.
const (
	PerSecond    = "/s"
	PerCore      = "/s/core"
	Seconds      = "s"
	Milliseconds = "ms"
	Bytes        = "B/customer"
	Mebibytes    = "MiB"
	EachChange   = "/change"
	BytesInKafka = "B"
	Share        = "0..1"
)

// Figure is one number: the median of the runs.
type Figure struct {
	Name  string    `json:"name"`
	Unit  string    `json:"unit"`
	Value float64   `json:"value"`
	Runs  []float64 `json:"runs"` // in order
	Limit *Limit    `json:"limit,omitempty"`
}

// Limit is what was physically possible in the same run, in the unit of its figure.
type Limit struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Ratio float64 `json:"ratio"` // of the figure to it
}

// check refuses what cannot have been measured.
func (m *Measure) check() error {
	for _, f := range m.Figures {
		if !(f.Value > 0) || math.IsInf(f.Value, 0) {
			return fmt.Errorf("%s came out as %v %s", f.Name, f.Value, f.Unit)
		}
	}
	return nil
}

// figure makes a figure of what each run measured.
func figure(name, unit string, runs []float64) Figure {
	return Figure{Name: name, Unit: unit, Value: median(runs), Runs: runs}
}

// against puts a limit beside a figure. Without runs there is none.
func (f Figure) against(what string, runs []float64) Figure {
	if limit := median(runs); limit > 0 {
		f.Limit = &Limit{What: what, Value: limit, Ratio: f.Value / limit}
	}
	return f
}

func median(runs []float64) float64 {
	if len(runs) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(runs))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// perSecond returns how many a second n in a time are.
func perSecond[N int | int64](n N, took time.Duration) float64 { return float64(n) / took.Seconds() }
