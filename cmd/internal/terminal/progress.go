package terminal

import (
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Progress shows how far something is: a bar on a terminal, a line now and then elsewhere. It must be ended. One
// goroutine uses it.
type Progress struct {
	screen Screen
	title  string
	total  int64                  // 0: it goes from 0 to 1, through stages
	stage  atomic.Pointer[string] // the present one, of stages
	next   int64                  // the next count worth a line
	bars   *mpb.Progress
	bar    *mpb.Bar // nil: plain lines
}

// Count begins to show something that has a total, such as customers published.
func (s Screen) Count(title string, total int64) *Progress {
	p := &Progress{screen: s, title: title, total: max(total, 1), next: total / 4}
	p.begin(p.total)
	return p
}

// Stages begins to show something that goes from 0 to 1 through stages with names.
func (s Screen) Stages(title string) *Progress {
	p := &Progress{screen: s, title: title}
	p.begin(fine)
	return p
}

const (
	fine       = 1000 // into so many parts a bar of stages is divided
	titleWidth = 22   // columns
	barWidth   = 32
)

func (p *Progress) begin(total int64) {
	p.stage.Store(new(string))
	if !p.screen.Color {
		return
	}
	p.bars = mpb.New(mpb.WithOutput(p.screen.W), mpb.WithWidth(p.screen.width()), mpb.WithRefreshRate(80*time.Millisecond))
	paint := func(code string) func(string) string {
		return func(text string) string { return string(p.screen.paint(code, text)) }
	}
	style := mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─").
		FillerMeta(paint(tones[2])).TipMeta(paint(tones[3])).PaddingMeta(paint("38;5;238"))
	p.bar = p.bars.New(total, style, mpb.BarWidth(barWidth), mpb.BarRemoveOnComplete(), mpb.BarFillerTrim(),
		mpb.PrependDecorators(decor.Name("  "+pad(middle(clean(p.title), titleWidth), titleWidth)+" ")),
		mpb.AppendDecorators(decor.Any(p.aside)))
}

// aside is what stands beside the bar.
func (p *Progress) aside(now decor.Statistics) string {
	if p.total == 0 {
		const beside = 2 + titleWidth + 1 + barWidth + 2
		return "  " + string(p.screen.Faint(short(clean(*p.stage.Load()), p.screen.width()-beside-1)))
	}
	return "  " + Number(now.Current) + string(p.screen.Faint(" of "+Number(p.total)))
}

// At shows that so many are done.
func (p *Progress) At(done int64) {
	if p.bar != nil {
		p.bar.SetCurrent(min(done, p.total-1)) // the last step is End's: a full bar stops moving
		return
	}
	if p.next > 0 && done >= p.next && done < p.total {
		p.screen.Line("  %s: %s of %s", p.title, Number(done), Number(p.total))
		for p.next <= done {
			p.next += max(p.total/4, 1)
		}
	}
}

// Stage shows the stage and how much of the whole is done, 0 to 1. Elsewhere than on a terminal it writes a line when
// the stage is another one.
func (p *Progress) Stage(stage string, share float64) {
	same := *p.stage.Load() == stage
	p.stage.Store(&stage)
	if p.bar != nil {
		p.bar.SetCurrent(min(int64(share*fine), fine-1))
	} else if !same && stage != "" {
		p.screen.Line("  %s: %s", p.title, stage)
	}
}

// End takes the bar away and leaves one line in its place; an empty one leaves nothing.
func (p *Progress) End(summary string) {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
	if summary != "" {
		p.screen.Line("  %s %s", p.screen.Good("✓"), summary)
	}
}
