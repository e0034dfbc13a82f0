package train

import (
	"context"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

const (
	folds              = 4
	validateSource     = 6_000     // customers and so many others choose the penalty: choosing on all moved the mean AUC
	validateBackground = 9_000     // of three seeds by less than 0.0005, either way, on all 17 data sets tried
	validateLeast      = 2 * folds // of either class

	measuredCandidates = 3_000 // customers of either class, when there are so many
	measuredSource     = 25    // with fewer source members among the candidates, those elsewhere are measured as well
)

// penalties are tried from the usual one and its neighbour below onwards, for as long as it gets better.
var penalties = [...]float64{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3}

const (
	usual     = 4 // of a small source
	usualMany = 7 // of many
)

// strata are where the four kinds of rows end, in their order: source members among the candidates and elsewhere, other
// customers among the candidates and elsewhere.
type strata [4]int

// heldOut are the customers that validation uses, source members first, each held out from the fits of one fold. They
// are the first of each stratum in canonical order, which is random as far as levels go; so each fold is a stretch of it,
// and fits go straight through memory.
type heldOut struct {
	*task
	members []int  // numbers of the task's rows
	source  int    // the first ones are source members
	strata  strata // of the members
}

func (t *task) heldOut() *heldOut {
	h := &heldOut{task: t}
	from := 0
	take := func(stratum, most int) {
		for row := from; row < from+most; row++ {
			h.members = append(h.members, row)
		}
		from, h.strata[stratum] = t.strata[stratum], len(h.members)
	}
	size := func(stratum int) int { return t.strata[stratum] - from }
	for class, limit := range [2]int{validateSource, validateBackground} {
		among, elsewhere := Share(limit, int64(size(2*class)), int64(t.strata[2*class+1]-t.strata[2*class]))
		take(2*class, among)
		take(2*class+1, elsewhere)
	}
	h.source = h.strata[1]
	return h
}

// many reports whether there are as many source members as are validated: their weights need little holding down.
func (h *heldOut) many() bool { return h.source == validateSource }

// Share divides the room for customers between those among the candidates and those elsewhere, as many as there are of each. So
// few are not lost among many, there is room for at least so many candidates as measuring needs.
func Share(room int, among, elsewhere int64) (int, int) {
	if among+elsewhere <= int64(room) {
		return int(among), int(elsewhere)
	}
	first := max(int(float64(room)*float64(among)/float64(among+elsewhere)), int(min(among, measuredCandidates)))
	return first, int(min(int64(room-first), elsewhere))
}

// fold returns the fold that a member is held out from. Each stratum is spread evenly.
func (h *heldOut) fold(member int) int {
	from := 0
	for _, to := range h.strata {
		if member < to {
			return (member - from) * folds / (to - from)
		}
		from = to
	}
	panic("no such member")
}

// unseen returns the members that are held out from a fold's fits.
func (h *heldOut) unseen(fold int) (members []int) {
	from := 0
	for _, to := range h.strata {
		n := to - from
		first := from + (n*fold+folds-1)/folds
		members = append(members, stretch(first, from+(n*(fold+1)+folds-1)/folds)...)
		from = to
	}
	return members
}

// put puts the logits of a fold's unseen members where they are among those of all.
func (h *heldOut) put(all []float64, fold int, logits []float64) {
	for i, member := range h.unseen(fold) {
		all[member] = logits[i]
	}
}

// validation is how well a penalty does.
type validation struct {
	c      float64
	loss   float64   // balanced logarithmic loss
	logits []float64 // by member, from the fit that had not seen it; nil when there are too few to validate

	weights [folds][]float64 // of each fold's fit
}

// choose finds the penalty with the lowest loss.
func (h *heldOut) choose(ctx context.Context, paths []*path) (validation, error) {
	if min(h.source, len(h.members)-h.source) < validateLeast {
		return validation{c: penalties[usual]}, nil
	}
	tried := make([]validation, len(penalties))
	high := usual
	if h.many() {
		high = usualMany
	}
	best, err := lowest(high-1, high, func(try []int) error { return h.validate(ctx, paths, try, tried) },
		func(i int) float64 { return tried[i].loss })
	return tried[best], err
}

// lowest returns the penalty with the lowest loss. It tries two neighbours first, and goes on for as long as it gets better.
func lowest(low, high int, validate func(try []int) error, loss func(i int) float64) (best int, err error) {
	try := []int{low, high}
	for {
		if err := validate(try); err != nil {
			return low, err
		}
		best = low
		for i := low + 1; i <= high; i++ {
			if loss(i) < loss(best) {
				best = i
			}
		}
		switch {
		case best == low && low > 0:
			low--
			try = []int{low}
		case best == high && high < len(penalties)-1:
			high++
			try = []int{high}
		default:
			return best, nil
		}
	}
}

// validate tries some penalties, on all processors. Each fold goes on from the penalty that it has tried before.
func (h *heldOut) validate(ctx context.Context, paths []*path, try []int, tried []validation) error {
	for _, i := range try {
		tried[i] = validation{c: penalties[i], logits: make([]float64, len(h.members))}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for fold, p := range paths {
		group.Go(func() error {
			for _, i := range try {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				weights := p.fit(h.design, penalties[i])
				tried[i].weights[fold] = weights
				h.put(tried[i].logits, fold, p.newton.ofUnseen(weights))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, i := range try {
		tried[i].loss = h.loss(tried[i].logits)
	}
	return nil
}

// loss returns the mean of the mean losses of source and background.
func (h *heldOut) loss(logits []float64) float64 {
	return h.lossOf(stretch(0, len(logits)), func(member int) float64 { return logits[member] })
}

// lossOf is loss over some of the members.
func (h *heldOut) lossOf(members []int, logit func(member int) float64) float64 {
	sums, counts := [2]losses{{product: 1}, {product: 1}}, [2]float64{}
	for _, member := range members {
		class, sign := 0, -1.0
		if member >= h.source {
			class, sign = 1, 1
		}
		sums[class].add(sign * logit(member))
		counts[class]++
	}
	return sums[0].sum()/math.Max(counts[0], 1)/2 + sums[1].sum()/math.Max(counts[1], 1)/2
}

// mostProduct bounds the product of losses.
const mostProduct = 1e300

// losses adds up softplus of many numbers, by one logarithm for many of them: it takes the most time. It begins with a product
// of 1.
type losses struct{ linear, product float64 }

func (l *losses) add(x float64) { l.addKnown(x, math.Exp(-math.Abs(x))) }

// addKnown is add of a number of which exp(-|x|) is known.
func (l *losses) addKnown(x, e float64) {
	l.linear += max(x, 0)
	if l.product *= 1 + e; l.product > mostProduct {
		l.settle()
	}
}

func (l *losses) settle() { l.linear, l.product = l.sum(), 1 }

func (l *losses) sum() float64 { return l.linear + math.Log(l.product) }

// softplus returns log(1 + exp(x)), without overflow.
func softplus(x float64) float64 {
	return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
}
