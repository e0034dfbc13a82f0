package reading

import (
	"context"
	"time"

	"kindred/pipeline/cache"
)

// Watch adds to the changes what no topic tells: members that come and go, customers in segments, shards that become ready or
// cease to be. It looks once a second, and only while somebody listens.
func (f *Facts) Watch(ctx context.Context) error {
	const every = time.Second
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var was map[string]int64
	answered := true
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if !f.Book.Changes.Listening() {
			was = nil
			continue
		}
		limited, cancel := context.WithTimeout(ctx, healthWithin)
		metas, err := f.Cache.ReadMetas(limited, f.Shards)
		cancel()
		if answered != (err == nil) {
			answered = err == nil
			f.Book.Changes.Add("health")
		}
		if err != nil {
			continue
		}
		now := counted(metas)
		if was == nil { // what has changed since whoever listens began is not known
			f.Book.Changes.Add(Everything)
		} else {
			for name := range differ(was, now) {
				f.Book.Changes.Add(name)
			}
		}
		was = now
	}
}

// counted returns the counts of all shards together, by the names of what they are of.
func counted(metas []*cache.Meta) map[string]int64 {
	counts := map[string]int64{}
	for _, meta := range metas {
		if meta == nil || !meta.Ready {
			counts["health"]++
			continue
		}
		for id, progress := range meta.Expansions {
			for _, n := range progress.Members {
				counts["members/"+id] += n
			}
		}
		for id, segment := range meta.Segments {
			counts["segments/"+id] += segment.Flips
		}
	}
	return counts
}

// differ returns the names whose counts are not the same.
func differ(was, now map[string]int64) map[string]bool {
	names := map[string]bool{}
	for _, all := range []map[string]int64{was, now} {
		for name := range all {
			if was[name] != now[name] {
				names[name] = true
			}
		}
	}
	return names
}
