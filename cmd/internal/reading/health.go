package reading

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"kindred/pipeline/cache"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// Part is what a part of a process says of itself at one moment.
type Part struct {
	Name  string `json:"name"` // shards, shard 3, router, ...
	Ready bool   `json:"ready"`
	Text  string `json:"text"` // how it is, in words; for one that is not ready, why
}

// Ready reports whether all parts are ready.
func Ready(parts []Part) bool {
	return !slices.ContainsFunc(parts, func(p Part) bool { return !p.Ready })
}

// Health is how an installation is.
type Health struct {
	Ready        bool     `json:"ready"`
	Parts        []Part   `json:"parts"`  // of the process that is asked
	Shards       []Shard  `json:"shards"` // of all processes
	Lists        State    `json:"lists"`  // how far the lists of expansions, segments, fields and runs are
	Letters      []Letter `json:"deadLetters"`
	LettersTotal int64    `json:"deadLettersTotal"`

	LettersUnread bool `json:"deadLettersUnread,omitempty"` // Kafka did not give them in time: nobody knows whether there are some
}

// Shard is how the cache of a shard is, whoever owns it.
type Shard struct {
	Shard     int       `json:"shard"`
	Ready     bool      `json:"ready"`
	Customers int64     `json:"customers"` // rows that customers have, or had
	Lag       int64     `json:"lag"`       // offsets of its inputs that are left to read
	SavedAt   time.Time `json:"savedAt,omitzero"`
	Text      string    `json:"text,omitempty"` // why it is not ready
}

const (
	mostLettersOfHealth = 20
	healthWithin        = 3 * time.Second // what has not answered then is said to be unknown
	oldSave             = 15 * time.Second
)

// Health asks the parts, the caches and Kafka how they are. What does not answer is not ready, which is no error.
func (f *Facts) Health(ctx context.Context) *Health {
	h := &Health{Parts: []Part{}, Lists: f.Book.State(), Letters: []Letter{}}
	if f.Parts != nil {
		h.Parts = f.Parts()
	}
	limited, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	var asked sync.WaitGroup
	asked.Go(func() { h.Shards = f.shards(limited) })
	asked.Go(func() {
		letters, err := f.Letters(limited, LetterFilter{}, mostLettersOfHealth)
		if err != nil {
			h.LettersUnread = true
			return
		}
		h.Letters = letters.Letters
		for _, c := range letters.Counts {
			h.LettersTotal += c.Count
		}
	})
	asked.Wait()
	h.Ready = Ready(h.Parts) && h.Lists.Whole && !slices.ContainsFunc(h.Shards, func(s Shard) bool { return !s.Ready })
	return h
}

// shards returns how the cache of every shard is.
func (f *Facts) shards(ctx context.Context) []Shard {
	all := make([]Shard, f.Shards)
	metas, err := f.Cache.ReadMetas(ctx, f.Shards)
	if err != nil {
		for i := range all {
			all[i] = Shard{Shard: i, Text: "Redis does not say how it is"}
		}
		return all
	}
	var at []wire.Position // four of each shard
	for i := range all {
		for _, topic := range []string{schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships} {
			at = append(at, wire.Position{Topic: f.Prefix.Topic(topic), Partition: i})
		}
	}
	ends, err := f.Kafka.Ends(ctx, at)
	for i := range all {
		all[i] = shardOf(i, metas[i], time.Now())
		switch {
		case metas[i] == nil:
		case err == nil:
			o := metas[i].Offsets
			for k, next := range []int64{o.Profiles, o.SegmentMembers, o.Models, o.Memberships} {
				all[i].Lag += max(0, ends[4*i+k]-next)
			}
		case all[i].Text == "":
			all[i].Ready, all[i].Text = false, "Kafka does not say how far it is"
		}
	}
	return all
}

func shardOf(number int, meta *cache.Meta, now time.Time) Shard {
	s := Shard{Shard: number}
	if meta == nil {
		s.Text = "Redis has no cache of it"
		return s
	}
	s.Customers = int64(meta.Rows)
	if meta.SavedAt > 0 {
		s.SavedAt = time.UnixMilli(meta.SavedAt).UTC()
	}
	switch age := now.Sub(s.SavedAt); {
	case meta.Damaged != "":
		s.Text = meta.Damaged
	case !meta.Ready:
		s.Text = "its cache is being filled"
	case age > oldSave:
		s.Text = fmt.Sprintf("it has not been saved for %v", age.Round(time.Second))
	default:
		s.Ready = true
	}
	return s
}
