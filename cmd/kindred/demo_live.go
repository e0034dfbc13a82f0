package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kindred/cmd/internal/demo"
	"kindred/cmd/internal/terminal"
	"kindred/consumers"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// live is the part of the demo in which profiles change, and members come and go.
type live struct {
	show        *show
	kafka       *connection
	out         terminal.Screen
	partitioner schemas.Partitioner
	json        bool
	every       time.Duration // between two changes
	most        int           // changes; 0: until ctx ends
	lines       int           // most movements to draw one by one; 0: all

	start     []consumers.Position    // in memberships, where they ended when it began
	positions []consumers.Position    // where watch is; its own
	until     atomic.Pointer[[]int64] // where to stop reading; nil: never
	mutex     sync.Mutex
	changed   map[string]happening // by customer, the latest

	entered, left, moved int
	after                []time.Duration // from a change to the movement that it caused
}

type happening struct {
	kind demo.Kind
	at   time.Time
}

func (p *program) live(ctx context.Context, c *connection, s *show) error {
	l := &live{show: s, kafka: c, out: p.out, partitioner: p.settings.Partitioner, json: p.settings.JSON, every: 250 * time.Millisecond, changed: map[string]happening{}}
	if s.once {
		l.every, l.most, l.lines = 10*time.Millisecond, 200, 12
	}
	if err := l.begin(ctx); err != nil {
		return err
	}
	p.announce(s)
	group, watching := errgroup.WithContext(ctx)
	group.Go(func() error { return l.watch(watching) })
	group.Go(func() error {
		profiles, err := l.change(watching)
		if err != nil {
			return err
		}
		return l.settle(watching, p, profiles)
	})
	err := group.Wait()
	p.conclude(l)
	return err
}

func (p *program) announce(s *show) {
	p.aside.Title("Live", "profiles change, members come and go")
	if !s.once {
		p.aside.Say(fmt.Sprintf("One change every quarter of a second, until Ctrl-C. Health and metrics: http://%s/metrics. "+
			"Look around from another terminal:", s.http))
		p.aside.Line("\n    export KINDRED_KAFKA=%s KINDRED_REDIS=%s", p.settings.Kafka[0], p.settings.Redis[0])
		p.aside.Line("    go run ./cmd/kindred show %s", s.expansion)
	}
	p.aside.Line("")
}

// begin notes where memberships end now: what comes after is what will be shown.
func (l *live) begin(ctx context.Context) error {
	partitions, err := l.kafka.partitions(ctx, schemas.Memberships)
	if err != nil {
		return err
	}
	for partition := range partitions {
		l.positions = append(l.positions, consumers.Position{Topic: l.kafka.prefix.Topic(schemas.Memberships), Partition: partition})
	}
	ends, err := l.kafka.fetcher.Ends(ctx, l.positions)
	for i, end := range ends {
		l.positions[i].Offset = end
	}
	l.start = slices.Clone(l.positions)
	return err
}

// change publishes one changed profile after the other. It gives where each partition of profiles must be read to.
func (l *live) change(ctx context.Context) ([]int64, error) {
	partitions := len(l.start) // profiles have as many
	published := make([]int64, partitions)
	ticker := time.NewTicker(l.every)
	defer ticker.Stop()
	var batch wire.Builder
	for n := 0; l.most == 0 || n < l.most; n++ {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		change := l.show.made.Change(n, l.show.customers)
		id := demo.AppendID(nil, change.Customer)
		l.happens(string(id), change.Kind)
		partition := l.partitioner.Partition(id, partitions)
		batch.Reset()
		batch.Add(time.Now().UnixMilli(), id, l.show.made.AppendChanged(nil, change), nil)
		ack, err := l.kafka.producer.Publish(ctx, l.kafka.prefix.Topic(schemas.Profiles), partition, &batch)
		if err != nil {
			return nil, err
		}
		published[partition] = ack.Base + 1
	}
	return published, nil
}

func (l *live) happens(customer string, kind demo.Kind) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.changed[customer] = happening{kind: kind, at: time.Now()}
}

// settle waits until the shards have read the changed profiles, and so published what follows from them.
func (l *live) settle(ctx context.Context, p *program, profiles []int64) error {
	if err := p.caughtUp(ctx, profiles); err != nil {
		return err
	}
	ends, err := l.kafka.fetcher.Ends(ctx, l.start)
	l.until.Store(&ends)
	return err
}

// watch shows memberships as they come.
func (l *live) watch(ctx context.Context) error {
	for !l.over() {
		fetched, err := l.kafka.fetcher.Fetch(ctx, l.positions, 100*time.Millisecond)
		if err != nil {
			return err
		}
		for _, got := range fetched {
			next, err := got.Each(func(record *wire.Record) error { l.see(record); return nil })
			if err != nil {
				return err
			}
			at := slices.IndexFunc(l.positions, func(p consumers.Position) bool { return p.Partition == got.Partition })
			l.positions[at].Offset = next
		}
	}
	return nil
}

func (l *live) over() bool {
	ends := l.until.Load()
	if ends == nil {
		return false
	}
	for i, end := range *ends {
		if l.positions[i].Offset < end {
			return false
		}
	}
	return true
}

// see counts a membership record, and draws it.
func (l *live) see(record *wire.Record) {
	_, customer, ok := schemas.SplitKey(record.Key)
	if !ok {
		return
	}
	kind, _ := record.Headers.Get("ce_type")
	what := strings.TrimPrefix(string(kind), "kindred.membership.")
	switch what {
	case "entered":
		l.entered++
	case "left":
		l.left++
	default:
		l.moved++
	}
	l.mutex.Lock()
	cause, known := l.changed[string(customer)]
	l.mutex.Unlock()
	why := ""
	if known {
		after := time.Since(cause.at)
		l.after = append(l.after, after)
		why = fmt.Sprintf("%s, %s ago", reasons[cause.kind], milliseconds(after))
	}
	if l.json || l.lines > 0 && l.entered+l.left > l.lines {
		return
	}
	l.draw(what, string(customer), record.Value, why)
}

// reasons says in words what happened to a customer.
var reasons = map[demo.Kind]string{
	demo.Warms:     "came to like what VIPs like",
	demo.Cools:     "no longer likes what VIPs like",
	demo.Withdraws: "withdrew consent",
}

func (l *live) draw(what, customer string, value []byte, why string) {
	switch what {
	case "entered":
		score, band, _, _, err := schemas.ReadMembership(value)
		if err != nil {
			return
		}
		l.out.Line("  %s %s  %.4f  %s  %s", l.out.Good("→"), customer, float64(score)/10_000,
			l.out.Band(band, fmt.Sprintf("%-16s", schemas.BandNames[band])), l.out.Faint(why))
	case "left":
		l.out.Line("  %s %s  %-6s  %-16s  %s", l.out.Faint("←"), customer, "", "leaves", l.out.Faint(why))
	}
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// conclude sums up what was seen.
func (p *program) conclude(l *live) {
	result := struct {
		Entered      int     `json:"entered"`
		Left         int     `json:"left"`
		Changed      int     `json:"changed"`
		MedianMillis float64 `json:"medianMilliseconds"` // from a changed profile to the membership that follows from it
	}{Entered: l.entered, Left: l.left, Changed: l.moved}
	if n := len(l.after); n > 0 {
		slices.Sort(l.after)
		result.MedianMillis = float64(l.after[n/2]) / float64(time.Millisecond)
	}
	p.print(result, func() {
		if l.lines > 0 && l.entered+l.left > l.lines {
			p.out.Line("  %s", p.out.Faint(fmt.Sprintf("… and %s more", terminal.Number(l.entered+l.left-l.lines))))
		}
		p.out.Line("")
		text := fmt.Sprintf("%s came in, %d left, %d changed their score.", terminal.Count(l.entered, "customer"), l.left, l.moved)
		if result.MedianMillis > 0 {
			text += fmt.Sprintf(" Half of them within %.1f ms of the change of their profile.", result.MedianMillis)
		}
		p.out.Say(text)
		p.out.Line("")
	})
}
