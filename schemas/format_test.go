package schemas_test

import (
	"errors"
	"strings"
	"testing"

	"kindred/schemas"
	"kindred/schemas/wire"
)

func TestOnlyKnownFormatsAreRead(t *testing.T) {
	if err := schemas.CheckFormat(wire.AppendHeaders(nil, schemas.Format())); err != nil {
		t.Errorf("the format that is written now: %v", err)
	}
	crossed := wire.AppendHeaders(nil, schemas.ModelFormat(true, &schemas.Definition{}))
	if err := schemas.CheckFormat(crossed, schemas.CrossedFormat); err != nil {
		t.Errorf("the format of a model with crosses: %v", err)
	}
	if err := schemas.CheckFormat(crossed); !errors.Is(err, schemas.ErrFormat) {
		t.Errorf("a record that is no model is read in its format: %v", err)
	}
	if err := schemas.CheckFormat(nil); err != nil {
		t.Errorf("a record of before there were formats: %v", err)
	}
	for _, unknown := range []string{"2", "0", "", "1.0", strings.Repeat("9", 1000)} {
		err := schemas.CheckFormat(wire.AppendHeaders(nil, wire.Header{Key: schemas.HeaderFormat, Value: []byte(unknown)}))
		if !errors.Is(err, schemas.ErrFormat) || len(err.Error()) > 200 {
			t.Errorf("format %.20q gave %v", unknown, err)
		}
	}
}

// A build that knows no hold-out would let in who is held out, and one that knows no presets of one's own would band by the default.
// It must stop at what names one, and at nothing else.
func TestWhatHoldsOutOrHasItsOwnPresetIsOfAFormatOfItsOwn(t *testing.T) {
	check := func(what string, header wire.Header, want string) {
		t.Helper()
		if header.Key != schemas.HeaderFormat || string(header.Value) != want {
			t.Errorf("%s has %s %s, want %s", what, header.Key, header.Value, want)
		}
	}
	some, none := &schemas.Definition{Holdout: 0.05}, &schemas.Definition{}
	asks := schemas.ExpandRequest{Holdout: new(0.0)}
	check("a deletion", schemas.ModelFormat(false, nil), "1")
	check("a model", schemas.ModelFormat(false, none), "1")
	check("a model with crosses", schemas.ModelFormat(true, none), "2")
	check("a model that holds out", schemas.ModelFormat(false, some), "3")
	check("one with both", schemas.ModelFormat(true, some), "3")
	check("a new expansion", schemas.ExpansionFormat(&schemas.Expansion{}), "1")
	check("one that runs", schemas.ExpansionFormat(&schemas.Expansion{Definition: none, Run: &schemas.RunRef{}, Pending: []schemas.Pending{{}}}), "1")
	own := &schemas.Definition{Preset: "fine", Bounds: []float64{0.3, 0.55, 0.9}}
	check("a model with bands of one's own", schemas.ModelFormat(false, own), "1") // any build reads them there
	check("one with a preset of one's own", schemas.ExpansionFormat(&schemas.Expansion{Definition: own}), "3")
	check("one whose run names a preset", schemas.ExpansionFormat(&schemas.Expansion{
		Run: &schemas.RunRef{Request: schemas.ExpandRequest{Preset: new("fine")}},
	}), "3")
	check("one that holds out", schemas.ExpansionFormat(&schemas.Expansion{Definition: some}), "3")
	check("one whose run shall", schemas.ExpansionFormat(&schemas.Expansion{Run: &schemas.RunRef{Request: asks}}), "3")
	check("one that will be asked to", schemas.ExpansionFormat(&schemas.Expansion{Pending: []schemas.Pending{{}, {Request: asks}}}), "3")
}
