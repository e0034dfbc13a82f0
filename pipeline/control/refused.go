package control

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// mostRefused is how many requests are remembered that no record of an expansion remembers: those of ids that no expansion has,
// and those of expansions of which nothing was ever committed.
const mostRefused = 1000

// refusal stands for such a request: a hash of both ids, so that its record is short whatever they are.
type refusal string

func refusalOf(expansionID, requestID string) refusal {
	return refusal(strconv.FormatUint(xxhash.Sum64String(expansionID+"/"+requestID), 16))
}

// refusals are the last of them, so that the same request is one run although it was refused. Each has a record in the topic
// settings, under one of as many keys as are remembered: a new one replaces the oldest. The zero value has none.
type refusals struct {
	next   int64             // number of the next one
	places map[int64]refusal // by number
	known  map[refusal]int64 // last number
}

const refusedKey = "refused/" // and a place, 0 to mostRefused-1

type refusedRecord struct {
	Number  int64   `json:"number"`
	Request refusal `json:"request"`
}

func (s *refusals) has(expansionID, requestID string) bool {
	_, known := s.known[refusalOf(expansionID, requestID)]
	return known
}

// add takes in a refusal, and returns its record.
func (s *refusals) add(r refusal) refusedRecord {
	added := refusedRecord{s.next, r}
	s.put(added)
	return added
}

// put takes in a refusal that has its number, and forgets the one whose place it takes.
func (s *refusals) put(r refusedRecord) {
	if s.known == nil {
		s.places, s.known = map[int64]refusal{}, map[refusal]int64{}
	}
	if oldest := r.Number - mostRefused; s.known[s.places[oldest]] == oldest {
		delete(s.known, s.places[oldest])
	}
	delete(s.places, r.Number-mostRefused)
	s.places[r.Number], s.known[r.Request] = r.Request, r.Number
	s.next = max(s.next, r.Number+1)
}

func (r refusedRecord) encode() (key, value []byte) {
	return fmt.Appendf(nil, "%s%d", refusedKey, r.Number%mostRefused), fmt.Appendf(nil, `{"number":%d,"request":%q}`, r.Number, r.Request)
}

// learn takes in what an earlier term has written. What it cannot read is none of it.
func (s *refusals) learn(r *wire.Record) error {
	if !strings.HasPrefix(string(r.Key), refusedKey) {
		return nil
	}
	if err := schemas.CheckFormat(r.Headers); err != nil {
		return err
	}
	var refused refusedRecord
	if json.Unmarshal(r.Value, &refused) == nil && refused.Request != "" {
		s.put(refused)
	}
	return nil
}
