package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// reach is the chart of how many candidates have at least a score, for every score, and what it shows in words.
type reach struct {
	Wide, Narrow *drawing
	Text         string     // for who does not see it
	Rows         []reachRow // the same as a table
}

type reachRow struct {
	Score      float64
	Candidates int64
}

// drawing is the geometry of a chart in pixels, from the top left.
type drawing struct {
	Width, Height            int
	Left, Right, Top, Bottom float64 // of the plot
	Curve, Below, Above      string  // paths
	Across, Up               []tick  // along the scores, along the candidates
	Floor, Cut               *mark   // nil: there is none
	Bands                    []stripe
}

type tick struct {
	At   float64
	Text string
}

// mark is a score with its name beside the line.
type mark struct {
	At, TextX, TextY float64
	Anchor           string // start or end
	Text             string
}

// stripe is the part of the axis of scores that a band takes.
type stripe struct {
	From, Width float64
	Band        int
}

// newReach draws the curve of a report; nil: there is nothing to draw. A definition tells the floor; nil: it is not known.
func newReach(definition *schemas.Definition, report *schemas.Report) *reach {
	if len(report.Reach) < 2 || report.Reach[0] == 0 {
		return nil
	}
	r := &reach{
		Wide:   drawReach(560, 250, definition, report),
		Narrow: drawReach(320, 220, definition, report),
	}
	last := len(report.Reach) - 1
	for i := 0; i <= 10; i++ {
		at := i * last / 10
		r.Rows = append(r.Rows, reachRow{float64(at) / float64(last), report.Reach[at]})
	}
	r.Text = fmt.Sprintf("From %s with any score, the curve falls to %s with 0.50 or more and %s with 0.80 or more.",
		terminal.Count(report.Reach[0], "candidate"), terminal.Number(report.Reach[last/2]), terminal.Number(report.Reach[last*4/5]))
	if report.Counts.Chosen() > 0 {
		r.Text += fmt.Sprintf(" Members are those from the cut at %.4f on.", report.Cut)
	}
	return r
}

func drawReach(width, height int, definition *schemas.Definition, report *schemas.Report) *drawing {
	d := &drawing{Width: width, Height: height, Left: 62, Right: float64(width) - 14, Top: 14, Bottom: float64(height) - 34}
	label := terminal.Number[int64]
	if width < 500 {
		d.Left, label = 44, brief
	}
	step := round(float64(report.Reach[0]) / 4)
	top := step * math.Ceil(float64(report.Reach[0])/step)
	x := func(score float64) float64 { return tenth(d.Left + score*(d.Right-d.Left)) }
	y := func(n float64) float64 { return tenth(d.Bottom - n/top*(d.Bottom-d.Top)) }
	for n := 0.0; n <= top; n += step {
		d.Up = append(d.Up, tick{y(n), label(int64(n))})
	}
	for i := 0; i <= 4; i++ {
		d.Across = append(d.Across, tick{x(float64(i) / 4), strconv.FormatFloat(float64(i)/4, 'g', -1, 64)})
	}
	for i, b := range report.Distribution {
		d.Bands = append(d.Bands, stripe{x(b.From), tenth(x(b.To) - x(b.From)), i})
	}
	d.curves(report, x, y)
	if report.Counts.Chosen() > 0 {
		d.Cut = d.mark(x(report.Cut), d.Top+10, fmt.Sprintf("cut %.4f", report.Cut))
	}
	if definition != nil && definition.Floor > 0 {
		d.Floor = d.mark(x(definition.Floor), d.Top+26, "floor "+strconv.FormatFloat(definition.Floor, 'g', 4, 64))
		if d.Cut != nil && d.Cut.At-d.Floor.At < roomOfMark { // its name would lie across the cut
			d.Floor.TextX, d.Floor.Anchor = d.Floor.At-6, "end"
		}
	}
	return d
}

// curves draws the curve, what lies below it up to the cut, and from there on: the members.
func (d *drawing) curves(report *schemas.Report, x, y func(float64) float64) {
	last := len(report.Reach) - 1
	cut := 1.0
	if report.Counts.Chosen() > 0 {
		cut = report.Cut
	}
	at := func(score float64) float64 { // the curve between two of its points
		i := min(int(score*float64(last)), last-1)
		part := score*float64(last) - float64(i)
		return float64(report.Reach[i])*(1-part) + float64(report.Reach[i+1])*part
	}
	var curve, below, above strings.Builder
	fmt.Fprintf(&below, "M%v %v", x(0), d.Bottom)
	fmt.Fprintf(&above, "M%v %v", x(cut), d.Bottom)
	fmt.Fprintf(&above, "L%v %v", x(cut), y(at(cut)))
	for i, n := range report.Reach {
		score := float64(i) / float64(last)
		fmt.Fprintf(&curve, "%c%v %v", "ML"[min(i, 1)], x(score), y(float64(n)))
		if score <= cut {
			fmt.Fprintf(&below, "L%v %v", x(score), y(float64(n)))
		} else {
			fmt.Fprintf(&above, "L%v %v", x(score), y(float64(n)))
		}
	}
	fmt.Fprintf(&below, "L%v %vL%v %vZ", x(cut), y(at(cut)), x(cut), d.Bottom)
	d.Curve, d.Below = curve.String(), below.String()
	if report.Counts.Chosen() > 0 {
		fmt.Fprintf(&above, "L%v %vZ", x(1), d.Bottom)
		d.Above = above.String()
	}
}

const roomOfMark = 80 // pixels that the name of a mark takes

// mark puts a name beside a line, on the side where there is room.
func (d *drawing) mark(at, height float64, text string) *mark {
	if at > (d.Left+d.Right)*0.62 {
		return &mark{at, at - 6, height, "end", text}
	}
	return &mark{at, at + 6, height, "start", text}
}

// tenth rounds to a tenth of a pixel.
func tenth(pixels float64) float64 { return math.Round(pixels*10) / 10 }

// round returns the least of 1, 2, 2.5, 5, 10, 20, ... that is not below a number, so that axes have even numbers.
func round(n float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(n, 1))))
	for _, even := range []float64{1, 2, 2.5, 5, 10} {
		if step := even * power; step >= n && step == math.Trunc(step) {
			return step
		}
	}
	return 10 * power
}

// brief writes a number in little room: 97k, 1.2M.
func brief(n int64) string {
	switch {
	case n >= 1_000_000:
		return strconv.FormatFloat(float64(n)/1e6, 'g', 3, 64) + "M"
	case n >= 10_000:
		return strconv.FormatFloat(float64(n)/1e3, 'g', 4, 64) + "k"
	}
	return terminal.Number(n)
}

// bar is a bar of 100 units, of which some are full. What is not nothing shows.
type bar struct {
	Band       int
	Full, Pale float64
}

func newBar(band int, full, pale, most float64) bar {
	width := func(n float64) float64 {
		if n <= 0 || most <= 0 {
			return 0
		}
		return max(0.6, tenth(100*n/most))
	}
	return bar{band, width(full), width(max(full, pale))}
}

// stack is how the members of an expansion are spread over the bands: parts of 100 units, from the highest band.
type stack struct {
	Parts []stripe
	Text  string
}

func newStack(bands [4]int64) *stack {
	all := int64(0)
	for _, n := range bands {
		all += n
	}
	if all == 0 {
		return nil
	}
	s := &stack{}
	var parts []string
	from := 0.0
	for i := len(bands) - 1; i >= 0; i-- {
		if bands[i] == 0 {
			continue
		}
		width := tenth(100 * float64(bands[i]) / float64(all))
		s.Parts = append(s.Parts, stripe{tenth(from), width, i})
		parts = append(parts, terminal.Number(bands[i])+" "+schemas.BandNames[i])
		from += width
	}
	s.Text = strings.Join(parts, ", ")
	return s
}

// interval is where an AUC lies between chance, 0.5, and perfect, 1: in units of 100.
type interval struct{ From, Width, At float64 }

func newInterval(q *schemas.Quality) *interval {
	if q.Holdout == 0 || q.AUCHigh == 0 {
		return nil
	}
	x := func(auc float64) float64 { return tenth(min(max(auc-0.5, 0), 0.5) * 200) }
	return &interval{x(q.AUCLow), max(0.8, tenth(x(q.AUCHigh)-x(q.AUCLow))), x(q.AUC)}
}
