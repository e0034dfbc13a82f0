package schemas

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads the string whose opening quote is next. The result aliases the value, or unquoted when it has escapes.
func (s *scanner) quoted() []byte {
	data := s.data
	begin := s.pos + 1
	i := begin
	for {
		for i+8 <= len(data) {
			if stop := special(binary.LittleEndian.Uint64(data[i:])); stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		if i >= len(data) {
			s.pos = i
			s.unexpected()
			return nil
		}
		switch c := data[i]; {
		case c == '"':
			s.pos = i + 1
			return data[begin:i:i]
		case c == '\\':
			return s.escaped(begin, i)
		case c < ' ':
			s.pos = i
			s.unexpected()
			return nil
		case c < utf8.RuneSelf:
			i++
		default:
			size := s.character(i)
			if size == 0 {
				return nil
			}
			i += size
		}
	}
}

// character returns the size of the character at i, which is not ASCII. It fails and returns 0 when it is not UTF-8.
func (s *scanner) character(i int) (size int) {
	r, size := utf8.DecodeRune(s.data[i:])
	if r == utf8.RuneError && size == 1 {
		s.fail(BadUTF8, "not UTF-8 at byte %d", i)
		return 0
	}
	return size
}

// special marks, in the high bits of 8 bytes, those that end a plain run of a string: quote, backslash, control
// characters and what is not ASCII. Only the lowest mark is exact.
func special(w uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote := w ^ ones*'"'
	backslash := w ^ ones*'\\'
	return ((quote-ones)&^quote | (backslash-ones)&^backslash | (w-ones*' ')&^w | w) & highs
}

// escaped reads the rest of a string from its first backslash, at i. Its characters begin at begin.
func (s *scanner) escaped(begin, i int) []byte {
	data := s.data
	from := len(s.unquoted)
	out := append(s.unquoted, data[begin:i]...)
	for i < len(data) {
		switch c := data[i]; {
		case c == '"':
			s.pos, s.unquoted = i+1, out
			return out[from:len(out):len(out)]
		case c == '\\':
			r, size := escape(data[i:])
			if size == 0 {
				s.pos = i
				s.unexpected()
				return nil
			}
			if r == loneSurrogate {
				s.fail(BadUTF8, "half a surrogate pair at byte %d", i)
				return nil
			}
			out = utf8.AppendRune(out, r)
			i += size
		case c < ' ':
			s.pos = i
			s.unexpected()
			return nil
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			size := s.character(i)
			if size == 0 {
				return nil
			}
			out = append(out, data[i:i+size]...)
			i += size
		}
	}
	s.pos = i
	s.unexpected()
	return nil
}

// loneSurrogate stands for half of a surrogate pair, which is no character.
const loneSurrogate = rune(-1)

// escape reads an escape sequence, or two that are a surrogate pair. Size 0: there is none.
func escape(b []byte) (r rune, size int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch c := b[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unicodeEscape(b)
	}
	return 0, 0
}

func unicodeEscape(b []byte) (r rune, size int) {
	r, ok := fourDigits(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := fourDigits(b[6:]); ok {
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, 12
		}
	}
	return loneSurrogate, 6
}

// fourDigits reads \uXXXX.
func fourDigits(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		digit, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | digit
	}
	return r, true
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}
