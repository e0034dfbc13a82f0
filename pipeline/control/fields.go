package control

import (
	"kindred/schemas"
	"kindred/schemas/wire"
)

// mostDeclared bounds how many declared fields are kept. Caches keep 256 fields each.
const mostDeclared = 10_000

// learnField takes in the declaration of a field, or that it was taken back. The error says what is wrong with the record: it
// changes nothing.
func (s *state) learnField(r *wire.Record) error {
	var f schemas.Field
	gone, err := schemas.Read(r, f.Decode)
	if err != nil {
		return err
	}
	if gone {
		delete(s.fields, string(r.Key))
		return nil
	}
	if _, known := s.fields[f.Name]; !known && len(s.fields) >= mostDeclared {
		return &schemas.Malformed{Code: schemas.TooLarge, Message: "too many fields are declared: take some back with a null value"}
	}
	s.fields[f.Name] = f
	return nil
}
