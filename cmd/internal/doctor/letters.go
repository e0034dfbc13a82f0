package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// alarming are the codes of dead letters that tell of a setting or a program, not of one record.
var alarming = []string{schemas.WrongPartition, schemas.HandlerPanic, schemas.CorruptBatch, schemas.SegmentUnreadable}

// mostCodes bounds the codes that are told apart: anybody can write them.
const mostCodes = 50

// deadLetters counts the dead letters of the last day by code.
func (i *Installation) deadLetters(ctx context.Context) ([]Finding, error) {
	of := i.positions(schemas.DeadLetters)
	if len(of) != 1 {
		return nil, nil // which is a finding about topics
	}
	ends, err := i.fetcher.Ends(ctx, of)
	if err != nil {
		return nil, err
	}
	from, there, err := i.fetcher.Since(ctx, of[0], i.now.Add(-lately))
	if err != nil {
		return nil, err
	}
	counts, whole := map[string]int{}, true
	if there {
		if counts, whole, err = i.countLetters(ctx, from, ends[0]); err != nil {
			return nil, err
		}
	}
	if len(counts) == 0 {
		return []Finding{{State: OK, Text: "none in the last day"}}, nil
	}
	f := Finding{State: Note, Try: "kindred dead-letters list; what was put back stays in the list, too"}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[code], code))
		if slices.Contains(alarming, code) {
			f.State = Problem
		}
	}
	f.Text = "in the last day: " + strings.Join(parts, ", ")
	if !whole {
		f.Text += " at least; there was no time to read all of them"
	}
	return []Finding{f}, nil
}

// countLetters counts by code for as long as there is time.
func (i *Installation) countLetters(ctx context.Context, from, to int64) (counts map[string]int, whole bool, err error) {
	limited, cancel := context.WithTimeout(ctx, i.Patience/2)
	defer cancel()
	counts = map[string]int{}
	at := wire.Position{Topic: i.Prefix.Topic(schemas.DeadLetters), Offset: from}
	err = wire.ReadTo(limited, i.fetcher, at, to, func(r *wire.Record) error {
		letter, err := schemas.ReadDeadLetter(r)
		switch name := letter.Code; {
		case err != nil || i.now.Sub(time.UnixMilli(r.Timestamp)) > lately:
		case len(counts) >= mostCodes && counts[name] == 0:
			counts["of other codes"]++
		default:
			counts[name]++
		}
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return counts, false, nil
	}
	return counts, true, err
}
