package main

import (
	"bytes"
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// objections are the customers who have said no to profiling, by the topic of the profiles.
type objections struct {
	*program
	*connection
	flat bool              // profiles are rows
	who  []map[string]bool // by partition: the last profile of each says no
	rows map[string]bool   // customers with an objection that the load has published
	ends []int64           // by partition: from there on nothing has been read
	gaps [][]span          // by partition: what has not been read below ends, in order
}

// span is a part of a partition.
type span struct{ from, to int64 }

// objections reads the topic of the profiles, as far as it reaches now.
func (l *publication) objections(ctx context.Context) (*objections, error) {
	ends, err := l.ends(ctx, schemas.Profiles)
	if err != nil {
		return nil, err
	}
	o := &objections{program: l.program, connection: l.connection,
		who: make([]map[string]bool, len(ends)), rows: map[string]bool{}, ends: make([]int64, len(ends)), gaps: make([][]span, len(ends))}
	if o.flat, err = l.rows(ctx); err != nil {
		return nil, err
	}
	for partition, end := range ends {
		o.who[partition] = map[string]bool{}
		o.ends[partition] = end.Offset
		o.gaps[partition] = []span{{0, end.Offset}}
	}
	_, err = o.meanwhile(ctx)
	return o, err
}

// rows reports whether the processes of the prefix take profiles for rows (serve --flat).
func (c *connection) rows(ctx context.Context) (bool, error) {
	if _, err := c.partitions(ctx, schemas.Settings); err != nil {
		return false, err
	}
	agreed, err := readAgreement(ctx, c.fetcher, c.prefix)
	return agreed != nil && agreed.Flat, err
}

// by reports whether a customer whose row is being published has said no.
func (o *objections) by(id []byte) bool {
	if o == nil || !o.who[o.settings.Partitioner.Partition(id, len(o.who))][string(id)] {
		return false
	}
	o.rows[string(id)] = true
	return true
}

// meanwhile reads the gaps, and returns the customers whose consent is another one now than it was.
func (o *objections) meanwhile(ctx context.Context) (map[string]bool, error) {
	by := make([]map[string]bool, len(o.gaps))
	all, ctx := errgroup.WithContext(ctx)
	progress, end := o.progress()
	defer end()
	for partition := range o.gaps {
		all.Go(func() (err error) {
			by[partition], err = o.read(ctx, partition, progress)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	for partition := range by {
		o.gaps[partition] = nil
		for id := range by[partition] {
			changed[id] = true
			delete(o.rows, id)
		}
	}
	return changed, nil
}

// progress shows how far the gaps are read, unless they are small.
func (o *objections) progress() (more func(int64), end func()) {
	var total, done int64
	for _, gaps := range o.gaps {
		for _, gap := range gaps {
			total += gap.to - gap.from
		}
	}
	if total < 100*some {
		return func(int64) {}, func() {}
	}
	var one sync.Mutex
	bar := o.aside.Count("who has said no", total)
	return func(n int64) {
		one.Lock()
		defer one.Unlock()
		done += n
		bar.At(done)
	}, func() { bar.End("") }
}

// read reads the gaps of one partition. Of a record that cannot be read nothing follows, as in the pipeline.
func (o *objections) read(ctx context.Context, partition int, progress func(int64)) (changed map[string]bool, err error) {
	changed = map[string]bool{}
	who := o.who[partition]
	profile := schemas.Profile{Flat: o.flat}
	var records int64
	visit := func(r *wire.Record) error {
		if records++; records%some == 0 {
			progress(some)
		}
		was := who[string(r.Key)]
		if !was && !mayDeny(r.Value) {
			return nil // the most frequent case by far, and a quick one
		}
		no, ok := denies(r, &profile)
		switch {
		case !ok || no == was:
			return nil
		case no:
			who[string(r.Key)] = true
		default:
			delete(who, string(r.Key))
		}
		changed[string(r.Key)] = true
		return nil
	}
	for _, gap := range o.gaps[partition] {
		at := wire.Position{Topic: o.prefix.Topic(schemas.Profiles), Partition: partition, Offset: gap.from}
		if err := o.readReadable(ctx, at, gap.to, visit); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

const some = 16_384 // records

// mayDeny reports whether a value can say that its customer must not be profiled. One that can not is not decoded.
func mayDeny(value []byte) bool {
	for _, sign := range [...]string{"profiling", `\u`, "base64"} { // the name; written otherwise; an envelope around it
		if bytes.Contains(value, []byte(sign)) {
			return true
		}
	}
	return false
}

// denies reports whether a record of the topic of profiles says that its customer must not be profiled; ok: it can be read. A
// tombstone takes back what its customer has said.
func denies(r *wire.Record, profile *schemas.Profile) (no, ok bool) {
	gone, err := schemas.Read(r, func(_, value []byte) error { return profile.Decode(value) })
	if gone || err != nil {
		return false, gone
	}
	ours := len(profile.CustomerID) == 0 || bytes.Equal(profile.CustomerID, r.Key)
	return !profile.Profiling, ours
}
