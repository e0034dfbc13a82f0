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
	crossed := wire.AppendHeaders(nil, schemas.ModelFormat(true))
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
