package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Sizes of the plot, in pixels.
const (
	plotWidth = 960
	leftOf    = 54 // a panel, for the labels of its axis
	gapAfter  = 18
	titleRoom = 52  // above a row of panels: unit and legend, then the panels' own titles
	labelRoom = 30  // below
	perDecade = 46  // of a panel's height
	textWidth = 6.8 // of a letter, on average and a little more
	swatch    = 18
)

// colours are dark enough for a light page and light enough for a dark one.
var colours = []string{"#2f86c8", "#d9742b", "#2a9d6f", "#b95fa8", "#a08a1c", "#7c72d8"}

const style = `<style>
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #444 }
.title { font-weight: 600 }
.grid { stroke: #888; stroke-opacity: .28 }
.linear { stroke: #888; stroke-dasharray: 4 4 }
path { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #ccc } }
</style>
`

// plot is an SVG that grows from top to bottom.
type plot struct {
	strings.Builder
	y float64
}

// SVG draws how the figures grow: a row of panels for each unit, a panel for each axis, everything logarithmic. The
// panels of a row share their scale.
func (g *Growth) SVG() string {
	p := new(plot)
	for _, b := range bands {
		if lines := g.measured(b); len(lines) > 0 {
			p.row(g, b, lines)
		}
	}
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\">\n%s%s</svg>\n",
		plotWidth, p.y, plotWidth, p.y, style, p.String())
}

func (p *plot) text(x, y float64, anchor, class, text string) {
	fmt.Fprintf(p, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">%s</text>\n", x, y, anchor, class, html.EscapeString(text))
}

func (p *plot) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(p, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1, y1, x2, y2)
}

// row draws the panels of one unit side by side, below what is there.
func (p *plot) row(g *Growth, b band, lines []line) {
	p.legend(b, lines)
	low, high := g.decades(lines)
	top := p.y + titleRoom
	bottom := top + float64(high-low)*perDecade
	width := float64(plotWidth/len(g.Axes) - leftOf - gapAfter)
	for i := range g.Axes {
		left := leftOf + float64(i)*(leftOf+width+gapAfter)
		of := panel{p, &g.Axes[i], left, width, top, bottom, low, high}
		of.grid()
		if b.linear {
			of.linear()
		}
		for i, l := range lines {
			of.curve(l, colours[i])
		}
	}
	p.y = bottom + labelRoom
}

// legend names the unit and the lines.
func (p *plot) legend(b band, lines []line) {
	x, y := 8.0, p.y+18
	p.text(x, y, "start", "title", b.title)
	x += float64(len(b.title))*textWidth*1.1 + 24
	for i, l := range lines {
		fmt.Fprintf(p, "<path stroke=\"%s\" d=\"M%.1f %.1fh%d\"/>\n", colours[i], x, y-4, swatch)
		p.text(x+swatch+5, y, "start", "", l.name)
		x += swatch + 5 + float64(len(l.name))*textWidth + 18
	}
	if b.linear {
		p.line("linear", x, y-4, x+swatch, y-4)
		p.text(x+swatch+5, y, "start", "", "linear growth")
	}
}

// decades are the powers of ten between which all values of some lines lie.
func (g *Growth) decades(lines []line) (low, high int) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, a := range g.Axes {
		for _, p := range a.Points {
			for _, l := range lines {
				if v := l.of(p.Report); v > 0 {
					least, most = min(least, math.Log10(v)), max(most, math.Log10(v))
				}
			}
		}
	}
	low, high = int(math.Floor(least)), int(math.Ceil(most))
	return low, max(high, low+1)
}

// panel shows one axis.
type panel struct {
	*plot
	axis        *Axis
	left, width float64
	top, bottom float64
	low, high   int // decades
}

// across places a size within the panel, not quite to its edges.
func (p panel) across(n int) float64 {
	const inset = 16
	first, last := p.axis.Points[0].At, p.axis.Points[len(p.axis.Points)-1].At
	return p.left + inset + (p.width-2*inset)*math.Log(float64(n)/float64(first))/math.Log(float64(last)/float64(first))
}

// up places a value.
func (p panel) up(value float64) float64 {
	return p.bottom - (math.Log10(value)-float64(p.low))*perDecade
}

// grid draws the panel's name, its scales and a line for each of their marks.
func (p panel) grid() {
	p.text(p.left+p.width/2, p.top-10, "middle", "", "by "+p.axis.Name)
	for decade := p.low; decade <= p.high; decade++ {
		y := p.up(math.Pow10(decade))
		p.plot.line("grid", p.left, y, p.left+p.width, y)
		p.text(p.left-6, y+4, "end", "", powerText(decade))
	}
	for _, point := range p.axis.Points {
		x := p.across(point.At)
		p.plot.line("grid", x, p.top, x, p.bottom)
		p.text(x, p.bottom+17, "middle", "", short(point.At))
	}
}

// linear draws linear growth, from the bottom up to where the panel ends.
func (p panel) linear() {
	first, last := p.axis.Points[0].At, p.axis.Points[len(p.axis.Points)-1].At
	decades := min(math.Log10(float64(last)/float64(first)), float64(p.high-p.low))
	end := float64(first) * math.Pow(10, decades)
	p.plot.line("linear", p.across(first), p.bottom, p.across(int(end)), p.bottom-decades*perDecade)
}

// curve draws one line and its points. Where nothing was measured it is interrupted.
func (p panel) curve(l line, colour string) {
	path, pen := "", "M"
	for _, point := range p.axis.Points {
		value := l.of(point.Report)
		if value <= 0 {
			pen = "M"
			continue
		}
		x, y := p.across(point.At), p.up(value)
		path += fmt.Sprintf("%s%.1f %.1f", pen, x, y)
		pen = "L"
		fmt.Fprintf(p, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x, y, colour)
	}
	fmt.Fprintf(p, "<path stroke=\"%s\" d=\"%s\"/>\n", colour, path)
}

// powerText writes a power of ten as a number.
func powerText(decade int) string {
	if decade >= 0 {
		return "1" + strings.Repeat("0", decade)
	}
	return "0." + strings.Repeat("0", -decade-1) + "1"
}
