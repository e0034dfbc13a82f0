package cache

import (
	"encoding/json"
	"maps"
	"sync"
)

// parts are the fields of a shard's meta that are JSON, as they were last read: each is parsed again only when its text has
// changed. Most have not from one reading to the next.
//
// Invariant: a value that is known is never written to, as metas that were handed out share its slices. There are at most twice
// as many as the hash has fields.
type parts struct {
	mu    sync.Mutex
	known map[string]part // by field of the hash
}

type part struct {
	text  string
	value any
}

// parse returns what a field of the hash says.
func parse[V any](p *parts, field, text string) (V, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if was, known := p.known[field]; known && was.text == text {
		return was.value.(V), nil
	}
	var value V
	err := json.Unmarshal([]byte(text), &value)
	if err == nil {
		p.known[field] = part{text, value}
	}
	return value, err
}

// trim forgets fields that the hash has no more, once they are too many.
func (p *parts) trim(hash map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) > len(hash) {
		maps.DeleteFunc(p.known, func(field string, _ part) bool {
			_, there := hash[field]
			return !there
		})
	}
}

// parts returns what is known of a shard's meta.
func (s *Store) parts(shard int) *parts {
	known, _ := s.known.LoadOrStore(shard, &parts{known: map[string]part{}})
	return known.(*parts)
}
