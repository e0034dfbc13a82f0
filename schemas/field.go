package schemas

// Field declares a profile field, as upstream describes it.
type Field struct {
	Name      string `json:"name"`
	Type      string `json:"type"`                // "Person.Gender", or a plain type such as LongType
	Label     string `json:"label,omitempty"`     // for people; empty: the name
	Sensitive bool   `json:"sensitive,omitempty"` // never used to train, whoever asks
}

// Bounds of a declaration, in bytes. A longer name is that of no field: caches keep none.
const (
	LongestFieldName  = 255
	longestFieldType  = 200
	longestFieldLabel = 1000
)

// Decode reads the declaration of a field. The record's key names the field.
func (f *Field) Decode(key, value []byte) error {
	*f = Field{}
	var s scanner
	s.start(value)
	for property := range s.properties("", "name", "type", "label", "sensitive") {
		switch property {
		case "name":
			f.Name = s.atMost(LongestFieldName)
			if f.Name == "" {
				s.fail(WrongSchema, "a field has no name")
			}
		case "type":
			f.Type = s.atMost(longestFieldType)
		case "label":
			f.Label = s.atMost(longestFieldLabel)
		case "sensitive":
			f.Sensitive = s.boolean()
		}
	}
	if err := s.endKnown(); err != nil {
		return err
	}
	if err := decidedByKey(key, &f.Name); err != nil {
		return err
	}
	if f.Name == "" || len(f.Name) > LongestFieldName {
		return malformed(WrongSchema, "a field must have a name, of at most %d bytes", LongestFieldName)
	}
	return nil
}
