package schemas

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
// allocating. CustomerID and Fields alias the value they were decoded from, or memory that the next Decode reuses.
type Profile struct {
	CustomerID []byte // empty: the value names none, the record's key does
	Profiling  bool   // consent: default true
	Fields     []FieldValue

	scan  scanner
	known order
}

const (
	seenCustomerID uint = 1 << iota
	seenFields
	seenProfiling
)

// Decode reads a profile strictly. Its error is a *Malformed; the Profile then holds nothing useful.
func (p *Profile) Decode(value []byte) error {
	p.CustomerID, p.Profiling, p.Fields = nil, true, p.Fields[:0]
	s := &p.scan
	s.start(value)
	var seen uint
	s.open('{')
	for s.more('}') {
		switch name := s.name(); string(name) {
		case "customerId":
			s.once(&seen, seenCustomerID)
			p.CustomerID = s.text()
		case "fields":
			s.once(&seen, seenFields)
			p.fields()
		case "profiling":
			s.once(&seen, seenProfiling)
			p.Profiling = s.boolean()
		default:
			s.distinct(name)
			s.skip()
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if seen&seenCustomerID != 0 {
		return ValidCustomerID(p.CustomerID)
	}
	return nil
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
		*p = Profile{}
		return
	}
	p.CustomerID, p.Fields = nil, p.Fields[:cap(p.Fields)]
	clear(p.Fields)
	p.Fields = p.Fields[:0]
	p.scan.data = nil
	p.scan.names.release()
}

// fields reads the object of the fields. Names in the order of an earlier profile are known to differ from one
// another, so only a profile that leaves this order has them compared.
func (p *Profile) fields() {
	s := &p.scan
	at, ordered := 0, true
	s.open('{')
	for s.more('}') {
		name := s.name()
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
	text []byte // one after the other
	ends []int  // of each in text
}

func (o *order) count() int { return len(o.ends) }

// after looks for a name from position at on and returns the position behind it; -1: it is not there.
func (o *order) after(at int, name []byte) int {
	for ; at < len(o.ends); at++ {
		begin := 0
		if at > 0 {
			begin = o.ends[at-1]
		}
		if string(o.text[begin:o.ends[at]]) == string(name) {
			return at + 1
		}
	}
	return -1
}

func (o *order) keep(fields []FieldValue) {
	o.text, o.ends = o.text[:0], o.ends[:0]
	for i := range fields {
		o.text = append(o.text, fields[i].Name...)
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
