package schemas

import (
	"math"
	"strconv"
)

// AppendCanonical appends the canonical JSON text of a value. Two values are the same, however they were written, if
// and only if these texts are. That of Absent and Other is null.
func AppendCanonical(dst []byte, f *FieldValue) []byte {
	switch f.Kind {
	case String:
		return appendString(dst, f.Text)
	case Number:
		return appendNumber(dst, f.Number)
	case Bool:
		if f.Bool {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	}
	return append(dst, "null"...)
}

// appendNumber appends the canonical JSON text of a number: the shortest that reads back as the same float64, in the
// form of JavaScript and encoding/json. So the text of 41, 41.0 and 4.1e1 is 41.
func appendNumber(dst []byte, f float64) []byte {
	if whole := int64(f); float64(whole) == f && whole > -1<<53 && whole < 1<<53 {
		return strconv.AppendInt(dst, whole, 10)
	}
	if size := math.Abs(f); size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-2] == '0' { // e-07 is e-7
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendString appends a JSON string that escapes only what must be escaped.
func appendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	plain := 0 // where what is not appended yet begins
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[plain:i]...)
		plain = i + 1
		dst = appendEscape(dst, c)
	}
	dst = append(dst, text[plain:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '\b':
		return append(dst, `\b`...)
	case '\t':
		return append(dst, `\t`...)
	case '\n':
		return append(dst, `\n`...)
	case '\f':
		return append(dst, `\f`...)
	case '\r':
		return append(dst, `\r`...)
	case '"', '\\':
		return append(dst, '\\', c)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}
