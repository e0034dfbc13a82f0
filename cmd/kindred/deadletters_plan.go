package main

import (
	"context"
	"fmt"
	"strings"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// replayPlan is which dead letters go back, and where to. It is made before anything is published, so that a person can be
// asked, and so that putting back never undoes what has come since: an old profile must not overwrite a new one.
type replayPlan struct {
	kafka       *connection
	partitioner schemas.Partitioner
	force       bool // put back also what is overtaken, or was put back before

	matched int64            // letters that were meant
	letters []plannedLetter  // those that go back, oldest first
	left    map[string]int64 // those that do not, by the reason
	more    bool             // there were more letters than a plan holds

	partitions map[string]int // of topics, as they are asked for
	compacted  map[string]bool
	keys       int // bytes of all keys
}

func newReplayPlan(c *connection, partitioner schemas.Partitioner) *replayPlan {
	return &replayPlan{kafka: c, partitioner: partitioner, left: map[string]int64{}, partitions: map[string]int{}, compacted: map[string]bool{}}
}

// Why a letter is not put back.
const (
	leftNoValue   = "noValue"       // its value was not kept
	leftForeign   = "otherTopic"    // it names a topic that is not one of this prefix
	leftMisplaced = "samePartition" // by the partitioner of this command the record was where it belongs
	leftOvertaken = "overtaken"     // a newer record of its key has come
	leftBefore    = "replayed"      // it was put back before
	leftTooLarge  = "tooLarge"      // its topic does not take records that large
)

// leftWords are those reasons as people read them.
var leftWords = map[string]string{
	leftNoValue:   "without a value: it was too large to be kept, or its batch could not be read",
	leftForeign:   "of a topic that does not belong to this prefix",
	leftMisplaced: "that would go back to where they were: is --partitioner the one that kindred serve has?",
	leftOvertaken: "overtaken by a newer record of the same key",
	leftBefore:    "put back before",
	leftTooLarge:  "larger than their topic takes",
}

// harmless reports whether a reason is none to look into.
func harmless(reason string) bool { return reason == leftOvertaken || reason == leftBefore }

// Bounds of one plan. What is beyond them is left for the next call.
const (
	mostPlanned = 1_000_000
	mostKeys    = 256 << 20 // bytes
)

// plannedLetter is a letter that goes back.
type plannedLetter struct {
	at        int64 // its offset
	topic     string
	partition int   // where its record was found
	offset    int64 // likewise
	target    int   // the partition it goes to
	key       string
	since     int64 // ms: when the record was written; while that is not known, when it became a letter
}

// add takes a letter into the plan, or counts why it is left.
func (p *replayPlan) add(ctx context.Context, l *reading.DeadLetter) error {
	p.matched++
	reason, target, err := p.place(ctx, l)
	switch {
	case err != nil:
		return err
	case reason != "":
		p.left[reason]++
		return nil
	case len(p.letters) == mostPlanned || p.keys+len(l.Key) > mostKeys:
		p.more = true
		return nil
	}
	p.keys += len(l.Key)
	p.letters = append(p.letters, plannedLetter{
		at: l.Own, topic: strings.Clone(l.Topic), partition: l.Partition, offset: l.Offset, target: target,
		key: string(l.Key), since: l.At.UnixMilli(),
	})
	return nil
}

// place returns the partition that a letter goes back to, or the reason why it cannot.
func (p *replayPlan) place(ctx context.Context, l *reading.DeadLetter) (reason string, target int, err error) {
	if l.Valueless() != "" {
		return leftNoValue, 0, nil
	}
	name, ours := strings.CutPrefix(l.Topic, string(p.kafka.prefix))
	partitions, known := p.partitions[name]
	if !known {
		for _, topic := range append(schemas.Topics(1), schemas.Changes(1)) {
			if topic.Name == name && ours && name != schemas.DeadLetters {
				if partitions, err = p.kafka.partitions(ctx, name); err != nil {
					return "", 0, err
				}
				p.partitions[name] = partitions
				p.compacted[l.Topic] = topic.Config["cleanup.policy"] == "compact"
			}
		}
	}
	if partitions == 0 || l.Partition < 0 || l.Partition >= partitions {
		return leftForeign, 0, nil
	}
	if name != schemas.Profiles || len(l.Key) == 0 {
		return "", l.Partition, nil
	}
	target = p.partitioner.Partition(l.Key, partitions)
	if l.Code == schemas.WrongPartition && target == l.Partition {
		return leftMisplaced, 0, nil
	}
	return "", target, nil
}

// compare looks at the topics that letters go back to, and takes out of the plan what has been overtaken, or was put back
// before.
func (p *replayPlan) compare(ctx context.Context) error {
	if p.force {
		return nil
	}
	seen := map[string]*topicSurvey{}
	for i := range p.letters {
		l := &p.letters[i]
		if seen[l.topic] == nil {
			seen[l.topic] = &topicSurvey{
				compacted: p.compacted[l.topic],
				found:     map[place]*plannedLetter{}, newest: map[string][]lastRecord{}, replayed: map[int64]bool{},
			}
		}
		seen[l.topic].expect(l)
	}
	for topic, survey := range seen {
		if err := survey.read(ctx, p.kafka, topic, p.partitions[strings.TrimPrefix(topic, string(p.kafka.prefix))]); err != nil {
			return err
		}
	}
	kept := p.letters[:0]
	for _, l := range p.letters {
		if reason := seen[l.topic].judge(&l); reason != "" {
			p.left[reason]++
			continue
		}
		kept = append(kept, l)
	}
	p.letters = kept
	return nil
}

// topicSurvey is what of a topic says whether letters have been overtaken.
type topicSurvey struct {
	compacted bool // a record overtakes an older one of its key; in other topics each says something of its own
	found     map[place]*plannedLetter
	newest    map[string][]lastRecord // by the keys of letters
	replayed  map[int64]bool          // by the offset of letters
}

// place is where a record lies in its topic.
type place struct {
	partition int
	offset    int64
}

// lastRecord is the last record of a key in one partition.
type lastRecord struct {
	place
	at int64 // ms
}

func (s *topicSurvey) expect(l *plannedLetter) {
	s.found[place{l.partition, l.offset}] = l
	if s.compacted {
		s.newest[l.key] = nil
	}
}

func (s *topicSurvey) read(ctx context.Context, c *connection, topic string, partitions int) error {
	from := make([]wire.Position, partitions)
	for partition := range from {
		from[partition] = wire.Position{Topic: topic, Partition: partition}
	}
	ends, err := c.fetcher.Ends(ctx, from)
	if err != nil {
		return fmt.Errorf("find the ends of %s: %w", topic, err)
	}
	for partition, end := range ends {
		err := c.readReadable(ctx, from[partition], end, func(r *wire.Record) error {
			s.take(partition, r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *topicSurvey) take(partition int, r *wire.Record) {
	at := place{partition, r.Offset}
	if l := s.found[at]; l != nil {
		l.since = r.Timestamp
	}
	if letter, again := schemas.ReplayOf(r.Headers); again {
		s.replayed[letter] = true
	}
	last, wanted := s.newest[string(r.Key)]
	if !wanted {
		return
	}
	for i := range last {
		if last[i].partition == partition {
			last[i] = lastRecord{at, r.Timestamp}
			return
		}
	}
	s.newest[string(r.Key)] = append(last, lastRecord{at, r.Timestamp})
}

// judge returns why a letter is better left; empty: it may go back. In its own partition a later record is a newer one; in
// another one only the time tells.
func (s *topicSurvey) judge(l *plannedLetter) string {
	if s.replayed[l.at] {
		return leftBefore
	}
	for _, last := range s.newest[l.key] {
		if last.partition == l.partition && last.offset > l.offset || last.partition != l.partition && last.at > l.since {
			return leftOvertaken
		}
	}
	return ""
}
