package console

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Reading is one figure at one moment. A name has one help and one set of label names.
type Reading struct {
	Name   string // kindred_... ; one that only grows ends in _total
	Help   string
	Value  float64
	Grows  bool     // a counter; else it goes up and down
	Labels []string // names and values by turns: "shard", "3"

	Histogram *Histogram // in place of Value
}

// Histogram says how often something took how long.
type Histogram struct {
	Within map[float64]uint64 // how many took at most so much
	Count  uint64
	Sum    float64
}

// gatherer reads the figures anew each time somebody asks.
func gatherer(readings func() []Reading) prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if readings != nil {
		registry.MustRegister(source(readings))
	}
	return registry
}

// source is a collector whose figures are not known beforehand: which shards there are changes.
type source func() []Reading

func (source) Describe(chan<- *prometheus.Desc) {}

func (s source) Collect(into chan<- prometheus.Metric) {
	for _, reading := range s() {
		var names, values []string
		for i := 0; i+1 < len(reading.Labels); i += 2 {
			names, values = append(names, reading.Labels[i]), append(values, reading.Labels[i+1])
		}
		kind := prometheus.GaugeValue
		if reading.Grows {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(reading.Name, reading.Help, names, nil)
		metric, err := prometheus.NewConstMetric(desc, kind, reading.Value, values...)
		if h := reading.Histogram; h != nil {
			metric, err = prometheus.NewConstHistogram(desc, h.Count, h.Sum, h.Within, values...)
		}
		if err != nil {
			metric = prometheus.NewInvalidMetric(desc, err)
		}
		into <- metric
	}
}
