package schemas

import "bytes"

// Kind is the JSON type of a field's value.
type Kind uint8

const (
	Absent Kind = iota // null: as if the field were not there
	String
	Number
	Bool
	Other // an object or an array: ignored
)

// FieldValue is one field of a profile. Its bytes belong to the Profile until the next Decode.
type FieldValue struct {
	Name   []byte
	Kind   Kind
	Text   []byte  // String: unescaped; Number: as it was written
	Number float64 // never -0
	Bool   bool
}

// Profile is a customer's whole profile. The zero value is ready to decode; one value decodes a whole stream without
// allocating. What was decoded aliases the value, or memory that the next Decode reuses.
type Profile struct {
	// Flat says how values are read that have no object of fields: all properties but customerId and profiling are fields.
	// Decode leaves it as it is.
	Flat bool

	CustomerID []byte // nil: the value names none, the record's key does
	Profiling  bool   // consent: default true
	Fields     []FieldValue
	Unknown    [][]byte // names of properties that mean nothing, the first few

	scan  scanner
	known order
	seen  uint // which members the value has
}

const (
	seenCustomerID uint = 1 << iota
	seenFields
	seenProfiling
	hasFields    // an object of them, not null
	maybeWrapped // flat: a name that an envelope has, too
)

// mostUnknown is how many names of unknown properties are kept of a profile.
const mostUnknown = 8

// Decode reads a profile strictly. Its error is a *Malformed; the Profile then holds nothing useful. A value of another shape
// is refused: taken for a profile without fields, it would empty the customer's.
func (p *Profile) Decode(value []byte) error {
	p.CustomerID, p.Profiling, p.Fields, p.Unknown, p.seen = nil, true, p.Fields[:0], p.Unknown[:0], 0
	p.scan.start(value)
	if p.Flat {
		p.row()
	} else {
		p.members()
	}
	if err := p.scan.end(); err != nil {
		return err
	}
	if p.CustomerID != nil {
		if err := ValidCustomerID(p.CustomerID); err != nil {
			return err
		}
	}
	if p.seen&(hasFields|maybeWrapped) == hasFields {
		return nil
	}
	return p.shape(value)
}

// members reads the members of a profile.
func (p *Profile) members() {
	s := &p.scan
	s.open('{')
	for s.more('}') {
		if name := s.name(); !p.member(name) {
			s.distinct(name)
			if !s.null() {
				s.skip()
				p.unknown(name)
			}
		}
	}
}

func (p *Profile) unknown(name []byte) {
	if len(p.Unknown) < mostUnknown {
		p.Unknown = append(p.Unknown, name)
	}
}

// member reads a member that means something. It reports false, and reads nothing, when name is none.
// It looks for null only where nothing better is there: this is the live path.
func (p *Profile) member(name []byte) bool {
	s := &p.scan
	switch string(name) {
	case "customerId":
		s.once(&p.seen, seenCustomerID)
		if s.peek() == '"' {
			p.CustomerID = s.quoted()
		} else if !s.null() {
			s.wanted("a string")
		}
	case "fields":
		object := s.peek() == '{'
		if p.Flat && !object {
			return false // a column of that name
		}
		s.once(&p.seen, seenFields)
		if !object && s.null() {
			return true
		}
		if len(p.Fields) > 0 {
			s.fail(WrongSchema, fieldsTwice)
		}
		p.seen |= hasFields
		p.fields()
	case "profiling":
		s.once(&p.seen, seenProfiling)
		if s.peek() != 'n' || !s.null() {
			p.Profiling = s.boolean()
		}
	default:
		return false
	}
	return true
}

// row reads a profile whose fields stand beside customerId.
func (p *Profile) row() {
	s := &p.scan
	s.open('{')
	for s.more('}') {
		name := s.name()
		if p.member(name) {
			continue
		}
		switch string(name) {
		case "specversion", "payload", "op":
			p.seen |= maybeWrapped
		}
		if p.seen&hasFields != 0 {
			s.fail(WrongSchema, fieldsTwice)
		}
		s.distinct(name)
		s.value(p.next(name))
	}
}

const (
	fieldsTwice = "a profile has its fields either in an object named fields or beside customerId, not in both"
	noProfile   = `a profile has fields, {"customerId":"c-17","fields":{"City":"Oslo"}}, and this value has none: have it sent so, ` +
		"or start serve with --flat where the fields stand beside customerId; a null value erases a customer"
)

// shape demands that the value was a profile. One that takes the consent back needs no fields, as none are kept.
func (p *Profile) shape(value []byte) error {
	switch {
	case p.seen&maybeWrapped != 0 && isWrapped(value):
		return malformed(WrongSchema, "an envelope is no row")
	case len(p.Fields) > 0, !p.Profiling, p.Flat && p.CustomerID != nil:
		return nil
	}
	return malformed(WrongSchema, noProfile)
}

// What a Profile keeps between two values. A value that took more is a strange one.
const (
	keptFields = 1024
	keptBytes  = 64 << 10
)

// Release lets go of the value that was decoded last, and of memory that only a large one needed. The Profile stays ready
// to decode.
func (p *Profile) Release() {
	if cap(p.Fields) > keptFields || cap(p.scan.unquoted) > keptBytes || cap(p.known.text) > keptBytes ||
		len(p.scan.names.slots) > mostSlots {
		*p = Profile{Flat: p.Flat}
		return
	}
	p.CustomerID, p.Fields, p.Unknown = nil, p.Fields[:cap(p.Fields)], p.Unknown[:cap(p.Unknown)]
	clear(p.Fields)
	clear(p.Unknown)
	p.Fields, p.Unknown = p.Fields[:0], p.Unknown[:0]
	p.scan.data = nil
	p.scan.names.release()
}

// fields reads the object of the fields. Names in the order of an earlier profile are known to differ from one
// another, so only a profile that leaves this order has them compared.
func (p *Profile) fields() {
	s := &p.scan
	at, ordered := 0, true
	s.open('{')
	for {
		var name []byte
		if ordered && !s.fresh && p.known.follows(at, s.data[s.pos:]) {
			written := p.known.written(at)
			name = s.data[s.pos+2 : s.pos+len(written)-2 : s.pos+len(written)-2]
			s.pos += len(written)
			at++
		} else if s.more('}') {
			name = s.name()
			if ordered {
				if at = p.known.after(at, name); at < 0 {
					ordered = false
					for _, f := range p.Fields {
						s.distinct(f.Name)
					}
				}
			}
			if !ordered {
				s.distinct(name)
			}
		} else {
			break
		}
		s.value(p.next(name))
	}
	if !ordered && s.err == nil && len(p.Fields) >= p.known.count() {
		p.known.keep(p.Fields)
	}
}

// next adds an empty field.
func (p *Profile) next(name []byte) *FieldValue {
	n := len(p.Fields)
	if n == cap(p.Fields) {
		p.Fields = append(p.Fields, FieldValue{})
	}
	p.Fields = p.Fields[:n+1]
	f := &p.Fields[n]
	f.Name, f.Kind, f.Text, f.Number, f.Bool = name, Absent, nil, 0, false
	return f
}

// order is the names of an earlier profile's fields, in their order: all different from one another.
type order struct {
	text []byte // each as it mostly is written, with a comma before it, quotes and a colon, one after the other
	ends []int  // of each in text
}

func (o *order) count() int { return len(o.ends) }

// written returns the name at a position as it mostly is written.
func (o *order) written(at int) []byte {
	begin := 0
	if at > 0 {
		begin = o.ends[at-1]
	}
	return o.text[begin:o.ends[at]]
}

// follows reports whether the name at a position, written so, is what JSON goes on with.
func (o *order) follows(at int, json []byte) bool {
	return at < len(o.ends) && bytes.HasPrefix(json, o.written(at))
}

// after looks for a name from position at on and returns the position behind it; -1: it is not there.
func (o *order) after(at int, name []byte) int {
	for ; at < len(o.ends); at++ {
		if w := o.written(at); string(w[2:len(w)-2]) == string(name) {
			return at + 1
		}
	}
	return -1
}

// keep notes the order of a profile's fields; none when a name cannot be written without escapes.
func (o *order) keep(fields []FieldValue) {
	o.text, o.ends = o.text[:0], o.ends[:0]
	for i := range fields {
		if bytes.ContainsFunc(fields[i].Name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
			o.text, o.ends = o.text[:0], o.ends[:0]
			return
		}
		o.text = append(o.text, `,"`...)
		o.text = append(o.text, fields[i].Name...)
		o.text = append(o.text, `":`...)
		o.ends = append(o.ends, len(o.text))
	}
}

// AppendProfile appends a profile as JSON. Fields are written in the given order, Absent and Other ones are left out;
// of a Number only Number counts, not its Text.
func AppendProfile(dst []byte, customerID string, fields []FieldValue, profiling bool) []byte {
	dst = append(dst, `{"customerId":`...)
	dst = appendString(dst, customerID)
	dst = append(dst, `,"fields":{`...)
	comma := false
	for i := range fields {
		f := &fields[i]
		if f.Kind == Absent || f.Kind == Other {
			continue
		}
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = appendString(dst, f.Name)
		dst = append(dst, ':')
		dst = AppendCanonical(dst, f)
	}
	dst = append(dst, '}')
	if !profiling {
		dst = append(dst, `,"profiling":false`...)
	}
	return append(dst, '}')
}
