package reading

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// Past is one record of a membership.
type Past struct {
	At     time.Time `json:"at"`     // of the cause; of one who left, when it was published
	Change string    `json:"change"` // entered, changed, left, or foreign: not written by kindred
	Score  *float64  `json:"score,omitempty"`
	Band   string    `json:"band,omitempty"`
	Cause  string    `json:"cause"` // run, profile, segment, ...
	Epoch  int64     `json:"epoch"` // of the model
	RunID  string    `json:"runId"`
}

// mostPast bounds a history: the last ones are kept.
const mostPast = 100

// history reads how a membership has changed, as far back as the log reaches.
func (f *Facts) history(ctx context.Context, shard int, key string) ([]Past, error) {
	all := []Past{}
	err := wire.ReadPartition(ctx, f.Kafka, f.Prefix.Topic(schemas.Memberships), shard, func(r *wire.Record) error {
		if string(r.Key) != key {
			return nil
		}
		if len(all) == mostPast {
			all = append(all[:0], all[1:]...)
		}
		all = append(all, pastOf(r))
		return nil
	})
	return all, err
}

func pastOf(r *wire.Record) Past {
	header := func(name string) string { text, _ := r.Headers.Get(name); return string(text) }
	m := Past{At: time.UnixMilli(r.Timestamp).UTC(), Cause: header(schemas.HeaderCause), Change: map[string]string{
		schemas.TypeMembershipEntered: "entered", schemas.TypeMembershipChanged: "changed", schemas.TypeMembershipLeft: "left",
	}[header(schemas.HeaderType)]}
	var value schemas.Membership
	switch {
	case m.Change == "":
		m.Change = "foreign"
	case r.Value == nil:
		m.Epoch, _ = strconv.ParseInt(header(schemas.HeaderEpoch), 10, 64)
		m.RunID = header(schemas.HeaderRunID)
	case json.Unmarshal(r.Value, &value) == nil:
		m.At, m.Epoch, m.RunID, m.Score, m.Band = value.ChangedAt, value.Epoch, value.RunID, &value.Score, value.Band
	}
	return m
}
