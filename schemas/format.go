package schemas

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"kindred/schemas/wire"
)

// RecordFormat is the number of the form that kindred's own records have now: those of segment-members, segments, models
// and expansions. pipeline/DESIGN.md lists the numbers.
const RecordFormat = 1

// CrossedFormat is that of a model with crosses: a build that reads only RecordFormat would leave them out.
const CrossedFormat = 2

// DefinitionFormat is that of a model with a hold-out, and of the record of an expansion with a hold-out or a preset of one's own.
// An earlier build would let in who is held out, and take the default's bands.
const DefinitionFormat = 3

// HeaderFormat is the header that carries the number. Records without it were written before it existed: their form is 1.
const HeaderFormat = "kindred.format"

// ErrFormat means that a record has a form that this build does not know. Passing it over could lose what it says, so its
// reader stops.
var ErrFormat = errors.New("written by another version of kindred")

// Format returns the header that kindred writes.
func Format() wire.Header { return format(RecordFormat) }

// ModelFormat returns the header of a model, with crosses or without, of a definition; nil: of a deletion.
func ModelFormat(crossed bool, d *Definition) wire.Header {
	switch {
	case d != nil && d.Holdout > 0:
		return format(DefinitionFormat)
	case crossed:
		return format(CrossedFormat)
	}
	return Format()
}

// ExpansionFormat returns the header of the record of an expansion. It cannot tell whether a preset that a request names is one of
// one's own, so any counts as one until the run is over.
func ExpansionFormat(e *Expansion) wire.Header {
	names := func(r *ExpandRequest) bool { return r.Holdout != nil || r.Preset != nil }
	if d := e.Definition; d != nil && (d.Holdout > 0 || d.Bounds != nil) || e.Run != nil && names(&e.Run.Request) ||
		slices.ContainsFunc(e.Pending, func(p Pending) bool { return names(&p.Request) }) {
		return format(DefinitionFormat)
	}
	return Format()
}

func format(number int64) wire.Header {
	return wire.Header{Key: HeaderFormat, Value: strconv.AppendInt(nil, number, 10)}
}

// CheckFormat returns ErrFormat, with the way out, for the headers of a record whose form this build does not know: forms other
// than RecordFormat are those that only some records have.
func CheckFormat(h wire.Headers, others ...int) error {
	text, there := h.Get(HeaderFormat)
	if !there || string(text) == strconv.Itoa(RecordFormat) {
		return nil
	}
	newest := RecordFormat
	for _, newest = range others {
		if string(text) == strconv.Itoa(newest) {
			return nil
		}
	}
	return fmt.Errorf("%w: it has format %.20q, this build reads %d (run the version that wrote it, or a later one)",
		ErrFormat, text, newest)
}
