package model_test

import (
	"bytes"
	"testing"

	"kindred/pipeline/model"
)

// Who asks for a model while another has it gets that one; who asks for another one, or with bytes that are none, does not.
func TestAModelIsDecodedOnce(t *testing.T) {
	encoded := func(epoch int64) []byte {
		value, err := (&model.Model{Epoch: epoch, Deleted: true}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	decode := func(value []byte) *model.Read {
		read, err := model.DecodeOnce(value)
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	value := encoded(1)
	first := decode(value)
	if again := decode(bytes.Clone(value)); again != first {
		t.Error("the same bytes were decoded twice")
	}
	clear(value) // a reader uses its memory again
	if !bytes.Equal(first.Raw, encoded(1)) || first.Epoch != 1 {
		t.Error("a model changes with the bytes that it was decoded from")
	}
	if other := decode(encoded(2)); other.Epoch != 2 || first.Epoch != 1 {
		t.Errorf("another model has epoch %d", other.Epoch)
	}
	for range 2 {
		if read, err := model.DecodeOnce([]byte("{")); err == nil {
			t.Errorf("half a value is %v", read)
		}
	}
}
