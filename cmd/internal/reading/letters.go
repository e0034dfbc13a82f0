package reading

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// LetterFilter chooses among the dead letters. What is empty chooses all.
type LetterFilter struct {
	Topic string // where the record was found, with its prefix
	Code  string
}

// Takes reports whether a letter is chosen.
func (f *LetterFilter) Takes(l *DeadLetter) bool {
	return (f.Topic == "" || f.Topic == l.Topic) && (f.Code == "" || f.Code == l.Code)
}

// DeadLetter is a dead letter as it lies on its topic. Key, value and headers are valid for as long as the record is.
type DeadLetter struct {
	schemas.DeadLetter
	Own int64 // its own offset, by which people name it
}

// ReadDeadLetter reads a record of the topic. One that is no dead letter is an error.
func ReadDeadLetter(record *wire.Record) (DeadLetter, error) {
	d, err := schemas.ReadDeadLetter(record)
	l := DeadLetter{DeadLetter: d, Own: record.Offset}
	if l.At.IsZero() {
		l.At = time.UnixMilli(record.Timestamp).UTC()
	}
	return l, err
}

// Valueless returns why there is nothing that could be put back, in words; empty: there is.
func (l *DeadLetter) Valueless() string {
	switch {
	case l.Whole():
		return ""
	case l.Code == schemas.CorruptBatch:
		return "its batch could not be read"
	}
	return fmt.Sprintf("its value of %d bytes was too large to be kept", l.Size)
}

// EachDeadLetter visits the dead letters that there are now, oldest first, and returns how many records of the topic are none.
func EachDeadLetter(ctx context.Context, kafka wire.Reader, prefix schemas.Prefix, visit func(*DeadLetter) error) (strange int, err error) {
	err = wire.ReadPartition(ctx, kafka, prefix.Topic(schemas.DeadLetters), 0, func(record *wire.Record) error {
		l, err := ReadDeadLetter(record)
		if err != nil {
			strange++ // somebody else's
			return nil
		}
		return visit(&l)
	})
	return strange, err
}

// Letters counts the dead letters that a filter chooses, and lists the newest: at most so many.
func (f *Facts) Letters(ctx context.Context, filter LetterFilter, limit int) (*Letters, error) {
	leave, err := f.reads.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	list := &Letters{page: make([]Letter, 0, limit)}
	list.Strange, err = EachDeadLetter(ctx, f.Kafka, f.Prefix, func(l *DeadLetter) error {
		if filter.Takes(l) {
			list.add(l)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list.finish()
	return list, nil
}

// Letters are the dead letters, counted by topic and code, and the newest of them. It holds counts and one page, however many letters
// there are.
type Letters struct {
	Counts  []LetterCount `json:"counts"`
	Letters []Letter      `json:"letters"` // newest first
	Strange int           `json:"strange"` // records of the topic that are no dead letters

	counts map[[2]string]*LetterCount // by topic and code
	page   []Letter                   // the newest, as a ring of its capacity
	next   int                        // where in it the next one goes
}

// LetterCount counts the letters of one topic and code.
type LetterCount struct {
	Topic  string    `json:"topic"`
	Code   string    `json:"code"`
	Count  int64     `json:"count"`
	Newest time.Time `json:"newest"`
}

// Letter is what of a dead letter can be shown to anybody.
type Letter struct {
	Offset       int64     `json:"offset"`
	At           time.Time `json:"at"`
	Topic        string    `json:"topic"`
	Partition    int       `json:"partition"`
	SourceOffset int64     `json:"sourceOffset"`
	Stage        string    `json:"stage"`
	Code         string    `json:"code"`
	Message      string    `json:"message"`
	Replays      int       `json:"replays"`
	Replayable   bool      `json:"replayable"`
}

// Line returns what of it can be shown to anybody.
func (l *DeadLetter) Line() Letter {
	return Letter{
		Offset: l.Own, At: l.At, Topic: Clip(l.Topic), Partition: l.Partition, SourceOffset: l.Offset,
		Stage: Clip(l.Stage), Code: Clip(l.Code), Message: Clip(l.Message), Replays: l.Replays, Replayable: l.Valueless() == "",
	}
}

// Clip returns a copy of a text of bounded length: anybody can write a header.
func Clip(text string) string {
	const longest = 500 // bytes; kindred's own messages are shorter
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return strings.Clone(text)
}

// mostCounted bounds the pairs of topic and code that are told apart: anybody can write codes.
const mostCounted = 1000

func (list *Letters) add(l *DeadLetter) {
	if list.counts == nil {
		list.counts = map[[2]string]*LetterCount{}
	}
	of := [2]string{Clip(l.Topic), Clip(l.Code)}
	count := list.counts[of]
	if count == nil && len(list.counts) >= mostCounted {
		of = [2]string{"(others)", "(others)"}
		count = list.counts[of]
	}
	if count == nil {
		count = &LetterCount{Topic: of[0], Code: of[1]}
		list.counts[of] = count
	}
	count.Count++
	count.Newest = l.At
	switch {
	case cap(list.page) == 0:
	case len(list.page) < cap(list.page):
		list.page = append(list.page, l.Line())
	default:
		list.page[list.next] = l.Line()
		list.next = (list.next + 1) % len(list.page)
	}
}

// finish puts the counts and the page into their order.
func (list *Letters) finish() {
	list.Counts, list.Letters = []LetterCount{}, []Letter{}
	for _, of := range slices.SortedFunc(maps.Keys(list.counts), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		list.Counts = append(list.Counts, *list.counts[of])
	}
	list.Letters = append(append(list.Letters, list.page[list.next:]...), list.page[:list.next]...)
	slices.Reverse(list.Letters)
}
