package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"kindred/consumers"
	"kindred/producers"
	"kindred/schemas"
	"kindred/schemas/retry"
	"kindred/schemas/wire"
)

// agreement are the settings in which all processes of a prefix must be alike. Otherwise they would take each other's valid
// profiles for misplaced or unreadable ones, run the same request by different rules, or keep the shards in different places. It
// is the last record of the topic settings.
type agreement struct {
	Partitioner string `json:"partitioner"`
	Partitions  int    `json:"partitions"`
	Flat        bool   `json:"flat,omitempty"`
	MinSource   int    `json:"minSource,omitempty"` // of those that control; 0: none has said it yet
	Presets     string `json:"presets,omitempty"`   // of those that control: presets of one's own, as selection writes them; empty: none has said it yet

	// Changes is not empty when those that own shards write membership-changes, since it was switched on: the topic has what changed
	// since then. It is another text every time.
	Changes string `json:"changes,omitempty"`

	Redis string `json:"redis"` // its identity
}

const agreementKey = "settings"

const (
	agreeTries  = 20
	agreeEvery  = 5 * time.Second  // how often a running process looks whether it still holds
	agreeWithin = 15 * time.Second // how long running processes may take to put the identity back into a Redis that was emptied
)

// agree makes the settings of this process those of the prefix, if none are agreed yet, and refuses to go on when they differ.
//
// Two processes that start at the same time cannot both write: each takes the transactional id first and reads then, and a
// transaction of the one before is refused. What may change at all (not how customers are spread and profiles read) may change
// while no process of the prefix runs. A process that has agreed and has not joined its groups yet does not count; it finds out
// later (stillAgrees) and ends.
func (p *pipeline) agree(ctx context.Context) error {
	pauses := retry.Backoff{First: 50 * time.Millisecond, Last: 2 * time.Second}
	for try := 1; ; try++ {
		if _, news, err := p.wanted(ctx); err != nil || !news {
			return err
		}
		err := p.write(ctx)
		var refused *failure
		if err == nil || errors.As(err, &refused) || try == agreeTries {
			return err
		}
		// Most likely others that start at the same time have fenced this one. Who waits for as long as they do is fenced again.
		if err := retry.Sleep(ctx, mathrand.N(2*pauses.Next())); err != nil {
			return err
		}
	}
}

// write looks again, with the right to write that nobody else has then, and writes what this process would have.
func (p *pipeline) write(ctx context.Context) error {
	tx := producers.Transactional{Cluster: p.cluster, ID: string(p.prefix) + schemas.Settings} // anew, so that it fences
	if err := tx.Init(ctx); err != nil {
		return err
	}
	want, news, err := p.wanted(ctx)
	if err != nil || !news {
		return err
	}
	value, err := json.Marshal(want)
	if err != nil {
		return err
	}
	t := tx.Begin()
	defer t.Abort(context.WithoutCancel(ctx)) // does nothing once it is committed
	if err := t.Write(ctx, p.prefix.Topic(schemas.Settings), 0, []byte(agreementKey), value, wire.AppendHeaders(nil, schemas.Format())); err != nil {
		return err
	}
	return t.Commit(ctx, producers.GroupRef{})
}

// wanted returns what this process would have agreed on, and whether that is not yet what is written. Its error says what of it
// cannot be.
func (p *pipeline) wanted(ctx context.Context) (want agreement, news bool, err error) {
	have, err := readAgreement(ctx, p.fetcher, p.prefix)
	if err != nil {
		return want, false, err
	}
	redis, running, err := p.identify(ctx, have)
	if err != nil {
		return want, false, err
	}
	p.changes = ""
	if p.writesChanges() {
		if have != nil {
			p.changes = have.Changes
		}
		if p.changes == "" {
			p.changes = rand.Text()
		}
	}
	want = p.agreement(redis, have)
	if have == nil {
		return want, true, nil
	}
	return want, want != *have, want.fits(have, running)
}

// agreement returns what this process would have. What it has no say in it leaves as it is.
func (p *pipeline) agreement(redis string, have *agreement) agreement {
	a := agreement{Partitioner: p.settings.Partitioner.String(), Partitions: p.server.Partitions, Flat: p.server.Flat, Redis: redis}
	if have != nil {
		a.MinSource, a.Presets, a.Changes = have.MinSource, have.Presets, have.Changes
	}
	if p.server.Does("control") {
		a.MinSource, a.Presets = p.server.MinSource, p.presets.Canonical()
	}
	if p.server.Does("shards") {
		a.Changes = p.changes
	}
	return a
}

// writesChanges reports whether this process writes membership-changes.
func (p *pipeline) writesChanges() bool { return p.server.Changes && p.server.Does("shards") }

// identify returns the identity of Redis, and whether processes of the prefix run. A Redis without gets that which was agreed on,
// or a new one. But while others run, one without may also be another Redis than theirs: they put it back within seconds, if
// it is theirs and was emptied; and one that was killed counts until its session ends. So this waits until either shows. It does
// not wait for one of its own name, whose place it takes.
func (p *pipeline) identify(ctx context.Context, have *agreement) (id string, running bool, err error) {
	until := time.Now().Add(agreeWithin)
	for {
		running, others, err := p.runs(ctx)
		if err != nil {
			return "", false, err
		}
		if have == nil {
			id, err = p.cache.Identify(ctx, rand.Text())
			return id, running, err
		}
		if !others {
			id, err = p.cache.Identify(ctx, have.Redis)
			return id, running, err
		}
		id, err = p.cache.Identity(ctx)
		if err != nil || id != "" || time.Now().After(until) {
			return id, true, err
		}
		if err := retry.Sleep(ctx, agreeEvery/10); err != nil {
			return "", true, err
		}
	}
}

// runs reports whether processes of the prefix are in its groups, and whether any of them has another name than this one. One
// that has died counts until its session ends.
func (p *pipeline) runs(ctx context.Context) (running, others bool, err error) {
	for _, name := range []string{"shards", "control"} {
		group, err := p.cluster.Group(ctx, string(p.prefix)+name)
		if err != nil {
			return true, true, err
		}
		for _, m := range group.Members {
			running = true
			others = others || !p.lasting || consumers.NameOf(m) != p.member
		}
	}
	return running, others, nil
}

// fits returns an error when a process with these settings may not run under what was agreed on.
func (a agreement) fits(have *agreement, running bool) error {
	var differ []string
	differs := func(flag string, ours, theirs any) {
		if ours != theirs {
			differ = append(differ, fmt.Sprintf("%s is %v here and %v there", flag, ours, theirs))
		}
	}
	differs("--partitioner", a.Partitioner, have.Partitioner)
	differs("--partitions", a.Partitions, have.Partitions)
	differs("--flat", a.Flat, have.Flat)
	if len(differ) > 0 {
		return &failure{
			code: misused, err: fmt.Errorf("this process was started otherwise than those before it under its prefix: %s", strings.Join(differ, "; ")),
			try: "the same as before, as it is fixed for a prefix; or another --prefix",
		}
	}
	if !running {
		return nil
	}
	if a.MinSource != 0 && have.MinSource != 0 {
		differs("--min-source", a.MinSource, have.MinSource)
	}
	differs("--changes", a.Changes != "", have.Changes != "")
	if a.Changes != "" && have.Changes != "" && a.Changes != have.Changes {
		differ = append(differ, "--changes was switched off and on again there")
	}
	if a.Presets != "" && have.Presets != "" && a.Presets != have.Presets {
		differ = append(differ, "--presets holds other presets here than there")
	}
	if a.Redis != have.Redis {
		differ = append(differ, "--redis is another Redis here than there")
	}
	if len(differ) > 0 {
		return &failure{
			code: misused, err: fmt.Errorf("this process was started otherwise than others that run under its prefix: %s", strings.Join(differ, "; ")),
			try: "the same as there; to change it, stop all processes of the prefix first (one that was killed counts for some seconds)",
		}
	}
	return nil
}

// readAgreement returns what was agreed on under a prefix; nil: nothing yet.
func readAgreement(ctx context.Context, reader wire.Reader, prefix schemas.Prefix) (*agreement, error) {
	var have *agreement
	_, err := wire.ReadAll(ctx, reader, prefix.Topic(schemas.Settings), func(r *wire.Record) error {
		if string(r.Key) != agreementKey || r.Value == nil {
			return nil
		}
		if err := schemas.CheckFormat(r.Headers); err != nil {
			return err
		}
		have = new(agreement)
		if json.Unmarshal(r.Value, have) != nil {
			have = nil // nothing of ours
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the settings that were agreed on: %w", err)
	}
	return have, nil
}

// stillAgrees looks again and again whether this process is like the others, until ctx ends or it is not. It keeps the identity
// of Redis, which may have been emptied.
func (p *pipeline) stillAgrees(ctx context.Context) error {
	for {
		if retry.Sleep(ctx, agreeEvery) != nil {
			return nil
		}
		have, err := readAgreement(ctx, p.fetcher, p.prefix)
		if err != nil || have == nil {
			continue // the parts that matter say what is wrong
		}
		redis, err := p.cache.Identify(ctx, have.Redis)
		if err != nil {
			continue
		}
		if err := p.agreement(redis, have).fits(have, true); err != nil {
			return err
		}
	}
}
