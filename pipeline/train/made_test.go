package train_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"kindred/pipeline/train"
)

// notShort leaves a test of much computing out of -short, which race detection would take minutes for.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("much computing, where others show races as well")
	}
}

// customer is made up: its levels follow a seed, and whether it is in the source follows its levels and chance.
type customer struct {
	id     string
	levels []uint8
	source bool
}

// truth is what customers are made from: the logit of being in the source.
type truth struct {
	levels  []int
	bias    float64
	weights [][]float64
	crosses []train.Cross
}

// linearTruth has weights between -strength and strength, and none in every third field.
func linearTruth(rng *rand.Rand, fields, levels int, bias, strength float64) truth {
	t := truth{bias: bias}
	for f := range fields {
		weights := make([]float64, levels)
		for i := range weights {
			if f%3 != 2 {
				weights[i] = strength * (2*rng.Float64() - 1)
			}
		}
		t.levels = append(t.levels, levels)
		t.weights = append(t.weights, weights)
	}
	return t
}

func (t truth) logit(levels []uint8) float64 {
	sum := t.bias
	for f, level := range levels {
		sum += t.weights[f][level]
	}
	return sum + together(t.crosses, t.levels, levels)
}

// together returns what crosses add to the logit of a customer.
func together(crosses []train.Cross, levels []int, row []uint8) (sum float64) {
	for _, c := range crosses {
		cell, none := 0, false
		for _, f := range c.Fields {
			none = none || row[f] == train.None
			cell = cell*levels[f] + int(row[f])
		}
		if !none {
			sum += c.Weights[cell]
		}
	}
	return sum
}

// crossedTruth has crosses of these fields, and a little in fields by themselves.
func crossedTruth(rng *rand.Rand, fields, levels int, bias, strength float64, crosses ...[]int) truth {
	t := linearTruth(rng, fields, levels, bias, 0.3)
	for _, c := range crosses {
		weights := make([]float64, int(math.Pow(float64(levels), float64(len(c)))))
		for i := range weights {
			weights[i] = strength * rng.NormFloat64()
		}
		t.crosses = append(t.crosses, train.Cross{Fields: c, Weights: weights})
	}
	return t
}

func (t truth) customers(rng *rand.Rand, n int) []customer {
	all := make([]customer, n)
	for i := range all {
		levels := make([]uint8, len(t.levels))
		for f, n := range t.levels {
			levels[f] = uint8(min(rng.IntN(n), rng.IntN(n))) // low levels are frequent
		}
		in := rng.Float64() < 1/(1+math.Exp(-t.logit(levels)))
		all[i] = customer{fmt.Sprintf("c-%d", i), levels, in}
	}
	return all
}

var bands = [3]float64{0.4, 0.6, 0.8}

// problem samples the customers as they come.
func problem(levels []int, all []customer) train.Problem {
	var source int64
	for _, c := range all {
		if c.source {
			source++
		}
	}
	p := train.Problem{
		Levels:     levels,
		Source:     &train.Sample{Limit: train.SourceRows, Of: source, Width: len(levels)},
		Background: &train.Sample{Limit: train.BackgroundRows, Of: int64(len(all)) - source, Width: len(levels)},
		Bands:      bands,
	}
	for _, c := range all {
		sample := p.Background
		if c.source {
			sample = p.Source
		}
		if hash := train.Hash([]byte(c.id)); hash <= sample.Ceiling() {
			sample.Add(hash, []byte(c.id), c.levels)
		}
	}
	return p
}

func logit(r *train.Result, levels []uint8) float64 {
	sum := r.Bias
	var numbers []int
	for f, level := range levels {
		numbers = append(numbers, len(r.Weights[f]))
		if level != train.None {
			sum += r.Weights[f][level]
		}
	}
	return sum + together(r.Crosses, numbers, levels)
}
