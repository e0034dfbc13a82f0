package control

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

const (
	// mostNamed is how many of the shards that a run waits for it names.
	mostNamed = 3

	// endsWithin bounds the search for the ends of topics: a partition without a leader holds up the runs that must know
	// where it ends, and not those that do not.
	endsWithin = 3 * time.Second
)

// betweenLooks are the pauses between looks at the shards while a run waits for them.
var betweenLooks = retry.Backoff{First: 4 * time.Millisecond, Last: 250 * time.Millisecond, Factor: 1.0625}

// looks is the state of looking: one look at a time, for all runs that wait.
type looks struct {
	found   chan looked
	under   bool // a look is under way
	at      time.Time
	last    time.Time     // when the last one was decided on
	pauses  retry.Backoff // while shards answer
	held    retry.Backoff // while they do not
	trouble string        // as last logged
}

// looked is what a look has found.
type looked struct {
	begun    int // attempts there were when it began
	metas    []*cache.Meta
	needs    *needs // nil: nobody asked, or err
	segments int64  // the end of the topic of segments, found after metas
	err      error  // the shards cannot be looked at
	endsErr  error  // an end cannot be found: this concerns those that were not committed
}

// lookSoon begins to look often: something new waits.
func (t *term) lookSoon() {
	t.looks.at, t.looks.pauses = time.Now(), betweenLooks
}

// lookDue returns when the next look is due. It reports false while nobody waits and no source is watched, or while one is under
// way.
func (t *term) lookDue() (at time.Time, due bool) {
	if t.looks.under {
		return at, false
	}
	for _, a := range t.attempts {
		if a.learning == nil {
			return t.looks.at, true
		}
	}
	return t.looks.last.Add(betweenWatches), t.state.watching()
}

// look looks at the shards in the background.
func (t *term) look(ctx context.Context) {
	found := looked{begun: t.begun}
	waiting, unknown := false, false
	for _, a := range t.attempts {
		if !a.committed && a.learning == nil {
			waiting, unknown = true, unknown || a.needs == nil
		}
	}
	t.looks.under = true
	t.background.Go(func() {
		t.find(ctx, &found, waiting, unknown)
		select {
		case t.looks.found <- found:
		case <-ctx.Done():
		}
	})
}

// find finds out how far the shards are; if some run waits to learn, where the topic of segments ends now; and if some run does
// not know what it needs, that.
func (c *Controller) find(ctx context.Context, found *looked, waiting, unknown bool) {
	defer func() {
		if p := recover(); p != nil {
			c.Log.Error("looking at the shards panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			found.err = fmt.Errorf("looking at the shards stopped: %v", p)
		}
	}()
	if unknown {
		found.needs, found.endsErr = c.ends(ctx)
	}
	if found.metas, found.err = c.Shards.ReadMetas(ctx, c.Number); found.err != nil {
		found.err = fmt.Errorf("look at the shards: %w", found.err)
		return
	}
	if waiting && found.endsErr == nil {
		var ends []int64
		if ends, found.endsErr = c.endsOf(ctx, []wire.Position{{Topic: c.Prefix.Topic(schemas.Segments)}}); found.endsErr == nil {
			found.segments = ends[0]
		}
	}
}

// ends returns the ends of all that a run must see which is asked for now.
func (c *Controller) ends(ctx context.Context) (*needs, error) {
	of := []wire.Position{{Topic: c.Prefix.Topic(schemas.Fields)}, {Topic: c.Prefix.Topic(schemas.SegmentChanges)}}
	for _, name := range []string{schemas.Profiles, schemas.Memberships} {
		for p := range c.Number {
			of = append(of, wire.Position{Topic: c.Prefix.Topic(name), Partition: p})
		}
	}
	ends, err := c.endsOf(ctx, of)
	if err != nil {
		return nil, err
	}
	shards := ends[2:]
	return &needs{
		fields: ends[0],
		ends:   schemas.Ends{SegmentChanges: ends[1], Profiles: shards[:c.Number], Memberships: shards[c.Number:]},
	}, nil
}

func (c *Controller) endsOf(ctx context.Context, of []wire.Position) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, endsWithin)
	defer cancel()
	ends, err := c.Reader.Ends(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("find the ends of the inputs: %w", err)
	}
	return ends, nil
}

// handleLook decides on what a look has found, for every run that waits.
func (t *term) handleLook(found looked) {
	t.looks.under, t.looks.last = false, time.Now()
	t.looks.next(errors.Join(found.err, found.endsErr), t)
	var changed []*attempt
	for _, a := range t.inOrder() {
		if a.place > found.begun || a.learning != nil {
			continue // it has not been looked at
		}
		e := t.state.expansions[a.expansionID]
		stage, progress, detail := schemas.Waiting, 0.0, ""
		if a.committed {
			sum, part, waits := t.published(e, &found)
			if waits == "" {
				t.take(succeed(e, sum, now()))
				continue
			}
			stage, progress, detail = schemas.Publishing, max(a.event.Progress, overall(schemas.Publishing, part)), waits
		} else {
			detail = t.awaited(a, &found)
		}
		if t.say(a, stage, progress, detail) {
			changed = append(changed, a)
		}
	}
	if found.err == nil && len(found.metas) == t.Number {
		t.take(t.state.sourceChanges(found.metas, now())...)
	}
	t.report(changed...)
}

// next sets when the next look is due, later and later. Trouble is logged once.
func (l *looks) next(err error, t *term) {
	trouble := ""
	if err == nil {
		l.held = heldUp
		l.at = time.Now().Add(l.pauses.Next())
	} else {
		trouble = err.Error()
		l.at = time.Now().Add(l.held.Next())
	}
	if trouble != "" && trouble != l.trouble {
		t.Log.Warn("runs are held up; trying again", "error", err)
	}
	l.trouble = trouble
}

// awaited notes what a run that was not committed waits for, and returns it for people. When it is nothing that concerns this
// run, waits is empty: it learns when its turn comes.
func (t *term) awaited(a *attempt, found *looked) (detail string) {
	if a.needs == nil && found.needs != nil {
		a.needs = found.needs
	}
	a.seen, a.waits = false, ""
	switch {
	case found.err != nil:
		a.waits = "held up: " + found.err.Error()
	case time.Now().Before(a.after):
		a.waits = "held up: " + a.failed
	case a.needs == nil || found.endsErr != nil:
		if found.endsErr != nil {
			a.waits = "held up: " + found.endsErr.Error()
		}
	default:
		if missing := t.behind(&a.needs.ends, found.metas); len(missing) > 0 {
			a.waits = "waits for " + list(missing)
			break
		}
		a.seen, a.segments = true, found.segments
		a.waits = t.unseen(a)
	}
	if a.waits == "" && !t.hasRoom(a) {
		all, _ := t.learners()
		return fmt.Sprintf("waits until %s (%s) has learned", all[0].event.RunID, all[0].expansionID)
	}
	return a.waits
}

// behind returns the shards that have not seen all that lies before these ends, and what they lack.
func (c *Controller) behind(ends *schemas.Ends, metas []*cache.Meta) (missing []string) {
	for shard := range c.Number {
		var meta *cache.Meta
		if shard < len(metas) {
			meta = metas[shard]
		}
		if lack := meta.Lacks(ends, shard); lack != "" {
			missing = append(missing, fmt.Sprintf("shard %d (%s)", shard, lack))
		}
	}
	return missing
}

// unseen returns what a run must see that the shards' inputs do not tell: what the controller itself has not read yet, and members
// that other runs are about to publish, or would while it reads them. Empty: nothing.
func (t *term) unseen(a *attempt) string {
	for _, of := range []struct {
		input int
		end   int64
	}{{segmentsInput, a.segments}, {fieldsInput, a.needs.fields}} {
		if at := t.at[of.input]; at < of.end {
			return fmt.Sprintf("waits for the controller (%s at %d of %d)", t.topics[of.input], at, of.end)
		}
	}
	e := t.state.expansions[a.expansionID]
	others, _ := t.learners()
	for _, other := range others {
		if of := t.state.expansions[other.expansionID]; t.state.buildsOn(e, of) || t.state.buildsOn(of, e) {
			return fmt.Sprintf("waits until %s (%s) has learned: one uses the other", other.event.RunID, other.expansionID)
		}
	}
	return t.state.unpublished(e)
}

// counted is what the shards have counted of a run: members now, and membership records of the run by their kind.
type counted struct {
	members, entered, left, changed int64
}

// published adds up what the shards have counted of a committed run. waits says which have not published their part; it is
// empty when all have. A panic is only a reason to wait: the run was committed and cannot fail.
func (t *term) published(e *schemas.Expansion, found *looked) (sum counted, progress float64, waits string) {
	defer func() {
		if p := recover(); p != nil {
			t.Log.Error("a committed run panicked", "expansion", e.ExpansionID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			sum, waits = counted{}, fmt.Sprintf("held up: %v", p)
		}
	}()
	if found.err != nil {
		return counted{}, 0, "held up: " + found.err.Error()
	}
	sum, progress, missing := count(e, found.metas, t.Number)
	if len(missing) > 0 {
		return sum, progress, "waits for " + list(missing)
	}
	return sum, 1, ""
}

// count adds up what so many shards have counted of the run. missing are those whose pass is not over.
func count(e *schemas.Expansion, metas []*cache.Meta, shards int) (sum counted, progress float64, missing []string) {
	for shard := range shards {
		pass := passOf(e, metas[shard])
		if pass != nil {
			progress += float64(pass.PassDone) / float64(pass.PassOf) / float64(shards)
		}
		if pass == nil || pass.PassDone < pass.PassOf || !metas[shard].Ready {
			missing = append(missing, fmt.Sprintf("shard %d", shard))
			continue
		}
		sum.entered += pass.Entered
		sum.left += pass.Left
		sum.changed += pass.Changed
		for _, members := range pass.Members {
			sum.members += members
		}
	}
	return sum, progress, missing
}

// passOf returns how far a shard's pass of the run's model has got, or nil when the shard has not begun it.
func passOf(e *schemas.Expansion, meta *cache.Meta) *cache.Progress {
	if meta == nil {
		return nil
	}
	p := meta.Expansions[e.ExpansionID]
	if p == nil || p.Epoch != e.Run.Epoch || p.PassOf <= 0 {
		return nil
	}
	return p
}

// list names some, and how many more there are.
func list(all []string) string {
	if more := len(all) - mostNamed; more > 0 {
		return strings.Join(all[:mostNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(all, ", ")
}
