package schemas

import (
	"strconv"
	"unsafe"
)

const longestNumber = 40 // digits, those of the exponent included

// numeral reads the number that is next. Minus zero is zero.
func (s *scanner) numeral() (text []byte, value float64) {
	begin := s.pos
	var n decimal
	if s.pos < len(s.data) && s.data[s.pos] == '-' {
		n.negative = true
		s.pos++
	}
	switch whole := s.digits(&n); {
	case whole == 0, whole > 1 && s.data[s.pos-whole] == '0':
		s.unexpected()
		return nil, 0
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		n.fraction = s.digits(&n)
		if n.fraction == 0 {
			s.unexpected()
			return nil, 0
		}
	}
	count := n.digits
	if s.pos < len(s.data) && s.data[s.pos]|0x20 == 'e' {
		size := s.exponent(&n)
		if size == 0 {
			s.unexpected()
			return nil, 0
		}
		count += size
	}
	if count > longestNumber {
		s.fail(WrongSchema, "a number of more than %d digits at byte %d", longestNumber, begin)
		return nil, 0
	}
	text = s.data[begin:s.pos:s.pos]
	value, ok := n.float(text)
	if !ok {
		s.fail(WrongSchema, "a number beyond float64 at byte %d", begin)
		return nil, 0
	}
	return text, value
}

// digits reads digits of the mantissa and returns how many.
func (s *scanner) digits(n *decimal) int {
	begin := s.pos
	for ; s.pos < len(s.data); s.pos++ {
		digit := s.data[s.pos] - '0'
		if digit > 9 {
			break
		}
		n.mantissa = n.mantissa*10 + uint64(digit) // wrong beyond 19 digits, where it is not used
	}
	n.digits += s.pos - begin
	return s.pos - begin
}

// exponent reads the exponent and returns how many digits it has.
func (s *scanner) exponent(n *decimal) int {
	s.pos++
	negative := false
	if s.pos < len(s.data) && (s.data[s.pos] == '-' || s.data[s.pos] == '+') {
		negative = s.data[s.pos] == '-'
		s.pos++
	}
	begin := s.pos
	for ; s.pos < len(s.data) && s.data[s.pos]-'0' <= 9; s.pos++ {
		n.exponent = min(n.exponent*10+int(s.data[s.pos]-'0'), 1e6)
	}
	if negative {
		n.exponent = -n.exponent
	}
	return s.pos - begin
}

// decimal is a number as its digits were read.
type decimal struct {
	negative bool
	mantissa uint64
	digits   int // of the mantissa
	fraction int // of them behind the point
	exponent int
}

// float returns the nearest float64 of a number whose text is given; false: there is none.
func (n *decimal) float(text []byte) (float64, bool) {
	power := n.exponent - n.fraction
	if n.mantissa == 0 && n.digits <= 19 {
		return 0, true
	}
	if n.digits > 19 || n.mantissa >= 1<<53 || power < -22 || power > 22 {
		f, err := strconv.ParseFloat(unsafe.String(&text[0], len(text)), 64) // it keeps no reference
		if f == 0 {
			f = 0 // not -0
		}
		return f, err == nil
	}
	f := float64(n.mantissa) // exact, as is the power of ten: one rounding
	if power < 0 {
		f /= powersOfTen[-power]
	} else {
		f *= powersOfTen[power]
	}
	if n.negative {
		f = -f
	}
	return f, true
}

var powersOfTen = [23]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
