package bench

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kindred/cmd/internal/demo"
	"kindred/schemas/wire"
)

// A broker that stalls for 300 ms must show in the quantiles as a customer would feel it: the events that were due
// meanwhile have waited. Measured from when they were sent, one late event would be all there is.
func TestWaitingIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			customers = 20_000
			trip      = time.Millisecond
			stall     = 300 * time.Millisecond
		)
		s := schedule{began: time.Now().Add(time.Second), rate: 1000, total: 10_000, sleep: time.Sleep}
		stalls, goesOn := s.began.Add(4*time.Second), s.began.Add(4*time.Second+stall)
		w := newWaiting(customers)
		var seeing sync.Mutex
		var id []byte
		next := func(n int, due time.Time) (int, []byte, []byte) {
			id = demo.AppendID(id[:0], n)
			w.expect(n, due)
			return n % 3, id, []byte("profile")
		}
		err := s.keep(t.Context(), 3, next, func(_ context.Context, _ int, batch *wire.Builder) error {
			if now := time.Now(); now.After(stalls) && now.Before(goesOn) {
				time.Sleep(goesOn.Sub(now))
			}
			time.Sleep(trip)
			seeing.Lock()
			defer seeing.Unlock()
			records := wire.Set{Data: batch.AppendTo(nil, -1, -1, -1, false)}
			_, err := records.Each(func(r *wire.Record) error { w.see(time.Now(), numbered(r.Key), 0); return nil })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(s.began); took > s.due(s.total).Sub(s.began)+10*trip {
			t.Errorf("the stall has slowed the schedule down: it took %v", took)
		}
		if len(w.latencies) != s.total {
			t.Fatalf("%d of %d events were seen", len(w.latencies), s.total)
		}
		var q quantiles
		q.add(w.latencies)
		p50, p99, longest := q[0][0], q[1][0], q[3][0]
		if p50 < 1 || p50 > 2 {
			t.Errorf("p50 is %v ms, want 1 to 2: most events wait for nobody", p50)
		}
		if p99 < 195 || p99 > 205 { // of 10,000 events 300 wait, evenly up to 300 ms: 100 of them for more than 200
			t.Errorf("p99 is %v ms, want about 200", p99)
		}
		if longest < 299 || longest > 303 {
			t.Errorf("the longest wait is %v ms, want about 301", longest)
		}
	})
}

func TestAnEarlierCauseCounts(t *testing.T) {
	w := newWaiting(2)
	first := time.UnixMilli(1_000_000)
	w.see(first, 1, 0) // nothing was due
	w.see(first, 7, 0) // nobody of ours
	w.expect(1, first)
	w.expect(1, first.Add(10*time.Second))
	came := first.Add(11 * time.Second)
	w.see(came, 1, first.UnixMilli())
	w.see(came, 1, first.Add(10*time.Second).UnixMilli())
	w.see(came, 1, 0) // a tombstone tells no cause
	if got := fmt.Sprint(w.latencies); got != "[11s 1s 1s]" {
		t.Errorf("latencies are %v", got)
	}
}

func TestTheCauseOfAMembership(t *testing.T) {
	check := func(value string, want int64) {
		t.Helper()
		if got := changedAt([]byte(value)); got != want {
			t.Errorf("%s: %d, want %d", value, got, want)
		}
	}
	check(`{"runId":"r","changedAt":"2026-11-18T09:06:40.123Z"}`, 1_794_992_800_123)
	check(`{"runId":"r"}`, 0)
	check(`{"changedAt":"yesterday"}`, 0)
	check("", 0)
}

func TestQuantilesAndMedians(t *testing.T) {
	var q quantiles
	var run []time.Duration
	for ms := 1000; ms > 0; ms-- {
		run = append(run, time.Duration(ms)*time.Millisecond)
	}
	q.add(run)
	q.add([]time.Duration{7 * time.Millisecond})
	if got := fmt.Sprint(q); got != "[[500 7] [990 7] [999 7] [1000 7]]" {
		t.Errorf("quantiles are %v", got)
	}
	check := func(want float64, runs ...float64) {
		t.Helper()
		if got := median(runs); got != want {
			t.Errorf("median of %v is %v, want %v", runs, got, want)
		}
	}
	check(0)
	check(3, 3)
	check(2, 9, 1, 2)
	check(2.5, 4, 9, 1, 1)
}

func TestAFigureAgainstItsLimit(t *testing.T) {
	f := figure("x", PerSecond, []float64{30, 10, 20}).against("y", []float64{80})
	if f.Value != 20 || f.Limit.Ratio != 0.25 || f.ratio() != "25 %" {
		t.Errorf("figure %v, limit %v: %s", f, f.Limit, f.ratio())
	}
	if f := figure("x", Seconds, []float64{6}).against("y", []float64{4}); f.ratio() != "1.5 x" {
		t.Errorf("ratio of seconds is %s", f.ratio())
	}
	if f := figure("x", Seconds, []float64{6}).against("y", nil); f.Limit != nil {
		t.Error("a limit that was not measured stands there")
	}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if m := (Measure{Figures: []Figure{figure("x", Bytes, []float64{bad})}}); m.check() == nil {
			t.Errorf("%v passes as a figure", bad)
		}
	}
}

func TestCustomersAreTheSameWhoeverAsks(t *testing.T) {
	table := func(seed uint64) (rows, vips string) {
		var a, b strings.Builder
		if err := (&Bench{Customers: 5000, Fields: 7, Seed: seed}).WriteTable(&a, &b); err != nil {
			t.Fatal(err)
		}
		return a.String(), b.String()
	}
	rows, vips := table(1)
	if again, _ := table(1); again != rows {
		t.Error("the same seed gives other customers")
	}
	if other, _ := table(2); other == rows {
		t.Error("another seed gives the same customers")
	}
	if n := strings.Count(vips, "\n"); n < 100 || n > 300 || n != strings.Count(rows, ",1\n") {
		t.Errorf("%d of 5,000 are VIPs, the table says %d", n, strings.Count(rows, ",1\n"))
	}
	lines := strings.Split(rows, "\n")
	if lines[0] != "customerId,Field00,Field01,Field02,Field03,Field04,Field05,Field06,vip" || len(lines) != 5002 {
		t.Errorf("%d lines, the first is %s", len(lines), lines[0])
	}
	made := customers{seed: 1, fields: 7}
	profile := string(made.texts().profile(nil, 17, made.levels(nil, 17, 0)))
	for f, value := range strings.Split(lines[1+17], ",")[1:8] {
		if want := fmt.Sprintf(`"Field%02d":%q`, f, value); !strings.Contains(profile, want) {
			t.Errorf("the table has %s, the profile is %s", want, profile)
		}
	}
}

// grown makes up a growth whose figures follow from the sizes.
func grown(t *testing.T) *Growth {
	sizes := Sizes{Customers: []int{100_000, 1_000_000, 10_000_000}, Fields: []int{5, 20, 100}, Expansions: []int{1, 10, 100}}
	runs := 0
	g, err := sizes.Grow(func(customers, fields, expansions int) (*Report, error) {
		runs++
		n := float64(customers)
		one := func(value float64) []float64 { return []float64{value} }
		return &Report{Customers: customers, Fields: fields, Expansions: expansions, Servers: "made up", Measures: []Measure{
			{Name: "ingest", Figures: []Figure{figure("profile events", PerSecond, one(400_000))}},
			{Name: "expand", Figures: []Figure{figure("request to success", Seconds, one(0.3+math.Sqrt(n)/2e4))}},
			{Name: "live", Figures: []Figure{figure("p50", Milliseconds, one(0.7)), figure("p99", Milliseconds, one(8))}},
			{Name: "memory", Figures: []Figure{figure("owners, heap in use", Bytes, one(60+1e6/n))}},
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if runs != 7 {
		t.Errorf("%d worlds were measured: three axes of three that cross once are 7", runs)
	}
	return g
}

func TestGrowth(t *testing.T) {
	g := grown(t)
	for _, want := range []string{
		"| ingest | s | 0.250 | 2.50 | 25.0 | 1.00 |", // a rate that stays means that the time grows linearly
		"| live p50 | ms | 0.700 | 0.700 | 0.700 | 0.00 |",
		"By customers (20 fields, 1 expansion; made up)",
		"By fields (1,000,000 customers, 1 expansion; made up)",
		"| figure | unit | 0.1 M | 1 M | 10 M | slope |\n| --- | --- | --: | --: | --: | --: |\n",
	} {
		if !strings.Contains(g.Markdown(), want) {
			t.Errorf("there is no %q in\n%s", want, g.Markdown())
		}
	}
	if strings.Contains(g.Markdown(), "rebuild") {
		t.Error("what was not measured has a row")
	}
}

// Of what stays nothing is said: it does not grow.
func TestWhatHasOneSizeHasNoAxis(t *testing.T) {
	sizes := Sizes{Customers: []int{1, 2}, Fields: []int{5}, Expansions: []int{1}}
	g, err := sizes.Grow(func(int, int, int) (*Report, error) { return new(Report), nil })
	if err != nil || len(g.Axes) != 1 || g.Axes[0].Name != "customers" {
		t.Errorf("%v, %v", g, err)
	}
}

// box is where a text lies.
type box struct {
	text                     string
	left, right, top, bottom float64
}

func TestThePlotIsLegible(t *testing.T) {
	var boxes []box
	var x, y, width, height float64
	var anchor string
	decoder := xml.NewDecoder(strings.NewReader(grown(t).SVG()))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the plot is no XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			anchor = ""
			for _, a := range token.Attr {
				switch a.Name.Local {
				case "x":
					fmt.Sscan(a.Value, &x)
				case "y":
					fmt.Sscan(a.Value, &y)
				case "text-anchor":
					anchor = a.Value
				case "viewBox":
					fmt.Sscan(a.Value, new(int), new(int), &width, &height)
				case "d":
					if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
						t.Errorf("a curve goes nowhere: %s", a.Value)
					}
				}
			}
		case xml.CharData:
			if text := string(token); anchor != "" && strings.TrimSpace(text) != "" {
				boxes = append(boxes, boxOf(text, x, y, anchor))
				anchor = ""
			}
		}
	}
	if len(boxes) < 40 {
		t.Errorf("the plot has %d texts", len(boxes))
	}
	for i, a := range boxes {
		if a.left < 0 || a.right > width || a.top < 0 || a.bottom > height {
			t.Errorf("%q lies at %v, outside of %v x %v", a.text, a, width, height)
		}
		for _, b := range boxes[:i] {
			if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
				t.Errorf("%q lies over %q", a.text, b.text)
			}
		}
	}
}

func boxOf(text string, x, y float64, anchor string) box {
	width := float64(len(text)) * textWidth
	left := map[string]float64{"start": x, "middle": x - width/2, "end": x - width}[anchor]
	return box{text, left, left + width, y - 10, y + 3}
}
