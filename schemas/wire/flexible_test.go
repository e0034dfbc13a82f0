package wire_test

import (
	"testing"

	"kindred/schemas/wire"
)

func TestAFlexibleAnswerIsReadAsItIsWritten(t *testing.T) {
	b := wire.AppendNoTags(nil)
	b = wire.AppendCompactLength(b, 2)
	b = wire.AppendCompactString(b, "one")
	b = wire.AppendCompactString(b, "")
	b = append(b, 0)                            // a null string
	b = append(b, 1, 7, 3, 'x', 'y', 'z')       // a tagged field that nobody knows
	b = append(b, "0123456789abcdef"+"rest"...) // an id, and what follows
	body := wire.FlexibleBody{Body: wire.Body{Rest: b}}
	body.Tags()
	if n := body.Count(); n != 2 {
		t.Errorf("%d elements, want 2", n)
	}
	if one, empty, null := body.Text(), body.Text(), body.Text(); string(one) != "one" || len(empty) != 0 || len(null) != 0 {
		t.Errorf("read %q, %q and %q", one, empty, null)
	}
	body.Tags()
	if id := body.UUID(); string(id[:]) != "0123456789abcdef" || string(body.Rest) != "rest" || body.Err() != nil {
		t.Errorf("read %q, then there is %q: %v", id, body.Rest, body.Err())
	}
}

// A length that leads outside makes everything behind it zero, so that nothing is allocated for it.
func TestAFlexibleAnswerThatIsCutShortIsAnError(t *testing.T) {
	check := func(what string, bytes []byte, read func(*wire.FlexibleBody)) {
		t.Helper()
		body := wire.FlexibleBody{Body: wire.Body{Rest: bytes}}
		read(&body)
		if body.Err() == nil || len(body.Rest) != 0 {
			t.Errorf("%s: no error, and %d bytes are left", what, len(body.Rest))
		}
	}
	check("a count", []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 1}, func(b *wire.FlexibleBody) { b.Count() })
	check("a text", []byte{9, 'x'}, func(b *wire.FlexibleBody) { b.Text() })
	check("tags", []byte{2, 1, 0}, func(b *wire.FlexibleBody) { b.Tags() })
	check("an id", []byte("short"), func(b *wire.FlexibleBody) { b.UUID() })
	check("nothing", nil, func(b *wire.FlexibleBody) { b.Count() })
}
