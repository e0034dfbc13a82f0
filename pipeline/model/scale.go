package model

import (
	"math"
	"sort"
)

// One is the weight of one logit.
const One = 1 << 16

// heaviest bounds a weight to 32 logits: far beyond the highest score.
const heaviest = 32 * One

// Quantize makes a weight of a number of logits: rounded to a whole 1/65,536, at most 32 logits either way.
func Quantize(logits float64) int32 {
	return int32(math.Round(min(heaviest, max(-heaviest, logits*One))))
}

// Logistic gives the thresholds by which a sum scores its probability, rounded to four decimals: sum / 65,536 is the
// logit of the probability.
func Logistic() []int32 {
	sums := make([]int32, Best+1)
	sums[0] = -maxSum
	for s := 1; s <= Best; s++ {
		p := (float64(s) - 0.5) / Best // where rounding begins to give s
		sums[s] = int32(math.Ceil(One * math.Log(p/(1-p))))
	}
	return sums
}

// scale finds scores of sums: an index into the thresholds, so that a few comparisons are enough.
type scale struct {
	sums  []int32 // [s]: least sum of score s; one more at the end that none reaches
	from  int32   // sums[1]: below it the score is 0
	to    int32   // sums[Best]: from it on the score is Best
	shift uint
	low   []uint16 // [(sum - from) >> shift]: score of the least sum of that bucket
}

// buckets bounds the size of the index. With the logistic thresholds a bucket then holds two of them at most.
const buckets = 1 << 16

func newScale(scores []int32) *scale {
	sc := &scale{sums: make([]int32, Best+2), from: scores[1], to: scores[Best]}
	copy(sc.sums, scores)
	sc.sums[0], sc.sums[Best+1] = math.MinInt32, math.MaxInt32
	width := int64(sc.to) - int64(sc.from)
	for width>>sc.shift >= buckets {
		sc.shift++
	}
	sc.low = make([]uint16, width>>sc.shift+1)
	score := 1
	for i := range sc.low {
		least := int64(sc.from) + int64(i)<<sc.shift
		for score < Best && int64(sc.sums[score+1]) <= least {
			score++
		}
		sc.low[i] = uint16(score)
	}
	return sc
}

func (sc *scale) score(sum int32) int {
	if sum < sc.from {
		return 0
	}
	if sum >= sc.to {
		return Best
	}
	s := int(sc.low[uint32(sum-sc.from)>>sc.shift])
	for sc.sums[s+1] <= sum {
		s++
	}
	return s
}

// Score finds the score of a sum without an index: for a few sums only.
func (m *Model) Score(sum int32) int {
	return sort.Search(Best, func(s int) bool { return m.Scores[s+1] > sum })
}
