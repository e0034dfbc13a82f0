package model

import (
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"sort"
	"sync"
	"weak"

	"github.com/cespare/xxhash/v2"
)

// One is the weight of one logit.
const One = 1 << 16

// heaviest bounds a weight to 32 logits: far beyond the highest score.
const heaviest = 32 * One

// Quantize returns the weight of a number of logits: rounded to a whole 1/65,536, at most 32 logits either way.
func Quantize(logits float64) int32 {
	return int32(math.Round(min(heaviest, max(-heaviest, logits*One))))
}

// Logistic returns the thresholds by which a sum scores its probability, rounded to four decimals: sum / 65,536 is the
// logit of the probability.
func Logistic() []int32 { return Thresholds(func(logit float64) float64 { return logit }) }

// Thresholds returns the thresholds by which a sum scores the probability that it deserves. sum tells, for each logit of a
// probability, the sum in logits that deserves it; it ascends.
func Thresholds(sum func(logit float64) float64) []int32 {
	sums := make([]int32, Best+1)
	sums[0] = -maxSum
	for s := 1; s <= Best; s++ {
		p := (float64(s) - 0.5) / Best // from here on it is rounded to s
		sums[s] = int32(max(float64(sums[s-1]), min(maxSum, math.Ceil(One*sum(math.Log(p/(1-p)))))))
	}
	return sums
}

// logistic is the scale of the logistic thresholds. A process with many models has it once.
var logistic = sync.OnceValue(func() *scale { return newScale(Logistic()) })

// scale finds the scores of sums, each with one look at the step that the sum lies in.
type scale struct {
	thresholds []int32 // as a model has them

	sums  []int32 // [s]: least sum of score s; one more at the end that none reaches
	from  int32   // sums[1]: below it the score is 0
	to    int32   // sums[Best]: from it on the score is Best
	shift uint
	steps []step // [(sum - from) >> shift]
	loose bool   // a step may have more thresholds in it than it can hold: they must be counted on from what it tells
}

// step packs what the sums of a step score: from bit 18 on the score of its first sum; below, in three times six bits,
// stepSums less the place of each further threshold in it, 0 for none. A sum's place added to that overflows into the
// seventh bit when the sum has reached the threshold.
type step uint32

const (
	stepBits = 6
	stepSums = 1 << stepBits // sums of a step, at most: with the logistic thresholds it holds three of them
	inStep   = stepSums - 1

	mostSteps = 1 << 17
)

// scales are those in use that are not logistic, by a hash of their thresholds.
var scales = struct {
	sync.Mutex
	byHash map[uint64]weak.Pointer[scale]
}{byHash: map[uint64]weak.Pointer[scale]{}}

// scaleOf returns the scale of thresholds. Models with the same ones share theirs: a model is decoded in each shard, and most
// have the logistic ones.
func scaleOf(scores []int32) *scale {
	if usual := logistic(); slices.Equal(scores, usual.thresholds) {
		return usual
	}
	raw := make([]byte, 0, 4*len(scores))
	for _, sum := range scores {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(sum))
	}
	hash := xxhash.Sum64(raw)
	scales.Lock()
	defer scales.Unlock()
	if there := scales.byHash[hash].Value(); there != nil && slices.Equal(scores, there.thresholds) {
		return there
	}
	sc := newScale(scores)
	scales.byHash[hash] = weak.Make(sc)
	runtime.AddCleanup(sc, forget, hash)
	return sc
}

// forget drops a scale that no model has any more.
func forget(hash uint64) {
	scales.Lock()
	defer scales.Unlock()
	if scales.byHash[hash].Value() == nil {
		delete(scales.byHash, hash)
	}
}

func newScale(scores []int32) *scale {
	sc := &scale{thresholds: scores, sums: make([]int32, Best+2), from: scores[1], to: scores[Best], shift: stepBits}
	copy(sc.sums, scores)
	sc.sums[0], sc.sums[Best+1] = math.MinInt32, math.MaxInt32
	width := int64(sc.to) - int64(sc.from)
	for width>>sc.shift >= mostSteps {
		sc.shift++
	}
	for sc.crowded() && width>>(sc.shift-1) < mostSteps && sc.shift > 1 {
		sc.shift--
	}
	sc.loose = sc.crowded()
	sc.steps = make([]step, width>>sc.shift+1)
	score := 1
	for i := range sc.steps {
		first := int64(sc.from) + int64(i)<<sc.shift
		for score < Best && int64(sc.sums[score+1]) <= first {
			score++
		}
		sc.steps[i] = sc.step(score, first)
	}
	return sc
}

// crowded reports whether there are steps that cannot hold all their thresholds.
func (sc *scale) crowded() bool {
	if sc.shift > stepBits {
		return true
	}
	for s := 1; s+3 <= Best; s++ {
		place := sc.sums[s] - sc.from
		if place&(1<<sc.shift-1) > 0 && place>>sc.shift == (sc.sums[s+3]-sc.from)>>sc.shift {
			return true
		}
	}
	return false
}

// step packs the step that begins at the sum first, whose score is score.
func (sc *scale) step(score int, first int64) step {
	packed := step(score) << (3 * stepBits)
	for k := 0; k < 3 && score+k < Best && sc.shift <= stepBits; k++ {
		place := int64(sc.sums[score+k+1]) - first
		if place >= 1<<sc.shift {
			break
		}
		packed |= step(stepSums-place) << (k * stepBits)
	}
	return packed
}

// score returns the score of the sum at a place of the step.
func (s step) score(place uint32) int {
	a, b, c := uint32(s)&inStep, uint32(s)>>stepBits&inStep, uint32(s)>>(2*stepBits)&inStep
	return s.first() + int((a+place)>>stepBits+(b+place)>>stepBits+(c+place)>>stepBits)
}

// first returns the score of the step's first sum.
func (s step) first() int { return int(s >> (3 * stepBits)) }

// score returns the score of a sum.
func (sc *scale) score(sum int32) int {
	if sum < sc.from {
		return 0
	}
	if sum >= sc.to {
		return Best
	}
	s := sc.steps[uint32(sum-sc.from)>>sc.shift].first()
	for sc.sums[s+1] <= sum {
		s++
	}
	return s
}

// Score returns the score of a sum. It searches the thresholds: for a few sums only, for many there is a Table.
func (m *Model) Score(sum int32) int {
	return sort.Search(Best, func(s int) bool { return m.Scores[s+1] > sum })
}
