package main

import (
	"context"
	"fmt"
	"slices"
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

// liveStep is the last step of the demo: profiles change, and members come and go.
type liveStep struct {
	*demoRun
	kafka       *connection
	out         terminal.Screen
	partitioner schemas.Partitioner
	json        bool
	every       time.Duration // between two changes
	most        int           // changes to make; 0: until ctx ends
	lines       int           // how many movements are drawn one by one at most; 0: all

	start     []consumers.Position    // in memberships, where they ended when it began
	positions []consumers.Position    // where watch is; its own
	until     atomic.Pointer[[]int64] // where watch ends, by partition; nil: not yet known
	mutex     sync.Mutex
	changed   map[string]madeChange // by customer, the latest; guarded by mutex

	entered, left, moved int
	after                []time.Duration // from a change to the movement that it caused
}

// madeChange is a change of a profile that was published.
type madeChange struct {
	kind demo.Kind
	at   time.Time
}

func (p *program) live(ctx context.Context, c *connection, d *demoRun) error {
	l := &liveStep{demoRun: d, kafka: c, out: p.out, partitioner: p.settings.Partitioner, json: p.settings.JSON, every: 250 * time.Millisecond, changed: map[string]madeChange{}}
	if d.once {
		l.every, l.most, l.lines = 10*time.Millisecond, 200, 12
	}
	if err := l.begin(ctx); err != nil {
		return err
	}
	p.announce(d)
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

func (p *program) announce(d *demoRun) {
	p.aside.Title("Live", "profiles change, members come and go")
	if !d.once {
		p.aside.Say(fmt.Sprintf("One change every quarter of a second, until Ctrl-C. The console follows: http://%s. "+
			"Look around from another terminal:", d.http))
		p.aside.Line("\n    export KINDRED_KAFKA=%s KINDRED_REDIS=%s", p.settings.Kafka[0], p.settings.Redis[0])
		p.aside.Line("    go run ./cmd/kindred show %s", d.expansion)
	}
	p.aside.Line("")
}

// begin finds the present ends of memberships: what comes after them will be shown.
func (l *liveStep) begin(ctx context.Context) error {
	var err error
	l.positions, err = l.kafka.ends(ctx, schemas.Memberships)
	l.start = slices.Clone(l.positions)
	return err
}

// change publishes one changed profile after the other. It returns, by partition, where the shards have read all of them.
func (l *liveStep) change(ctx context.Context) ([]int64, error) {
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
		change := l.made.Change(n, l.customers)
		id := demo.AppendID(nil, change.Customer)
		l.note(string(id), change.Kind)
		partition := l.partitioner.Partition(id, partitions)
		batch.Reset()
		batch.Add(time.Now().UnixMilli(), id, l.made.AppendChanged(nil, change), nil)
		ack, err := l.kafka.producer.Publish(ctx, l.kafka.prefix.Topic(schemas.Profiles), partition, &batch)
		if err != nil {
			return nil, err
		}
		published[partition] = ack.Base + 1
	}
	return published, nil
}

// note remembers what was changed, and when.
func (l *liveStep) note(customer string, kind demo.Kind) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.changed[customer] = madeChange{kind: kind, at: time.Now()}
}

// settle waits until the shards have handled the changed profiles. What follows from them is then published, and watch can end.
func (l *liveStep) settle(ctx context.Context, p *program, profiles []int64) error {
	if err := p.caughtUp(ctx, profiles); err != nil {
		return err
	}
	ends, err := l.kafka.fetcher.Ends(ctx, l.start)
	l.until.Store(&ends)
	return err
}

// watch shows memberships as they come, up to where settle has set the end.
func (l *liveStep) watch(ctx context.Context) error {
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

// over reports whether everything up to the end has been read.
func (l *liveStep) over() bool {
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
func (l *liveStep) see(record *wire.Record) {
	_, customer, ok := schemas.SplitKey(record.Key)
	if !ok {
		return
	}
	header, _ := record.Headers.Get(schemas.HeaderType)
	kind := string(header)
	switch kind {
	case schemas.TypeMembershipEntered:
		l.entered++
	case schemas.TypeMembershipLeft:
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
	l.draw(kind, string(customer), record.Value, why)
}

// reasons describe in words what happened to a customer.
var reasons = map[demo.Kind]string{
	demo.Warms:     "came to like what VIPs like",
	demo.Cools:     "no longer likes what VIPs like",
	demo.Withdraws: "withdrew consent",
}

// draw draws a member who comes or goes; a score that changes is counted only.
func (l *liveStep) draw(kind, customer string, value []byte, why string) {
	switch kind {
	case schemas.TypeMembershipEntered:
		score, band, _, _, err := schemas.ReadMembership(value)
		if err != nil {
			return
		}
		l.out.Line("  %s %s  %.4f  %s  %s", l.out.Good("→"), customer, float64(score)/10_000,
			l.out.Band(band, fmt.Sprintf("%-16s", schemas.BandNames[band])), l.out.Faint(why))
	case schemas.TypeMembershipLeft:
		l.out.Line("  %s %s  %-6s  %-16s  %s", l.out.Faint("←"), customer, "", "leaves", l.out.Faint(why))
	}
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// conclude sums up what was seen.
func (p *program) conclude(l *liveStep) {
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
