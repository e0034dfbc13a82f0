package table

import (
	"bufio"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// lines returns text as UTF-8 without the mark that some programs put before it, in which a line ends with LF or CR LF:
// UTF-16 (as Excel writes "Unicode text") is decoded, and a CR that stands alone, as on an old Mac, becomes LF.
func lines(text *bufio.Reader) *bufio.Reader {
	var plain io.Reader = text
	switch begin, _ := text.Peek(3); {
	case len(begin) == 3 && string(begin) == "\ufeff":
		text.Discard(3)
	case len(begin) < 2:
	case begin[0] == 0xff && begin[1] == 0xfe || begin[0] != 0 && begin[1] == 0:
		plain = &wide{in: text, order: binary.LittleEndian}
	case begin[0] == 0xfe && begin[1] == 0xff || begin[0] == 0 && begin[1] != 0:
		plain = &wide{in: text, order: binary.BigEndian}
	}
	if plain != text {
		text = bufio.NewReaderSize(plain, buffer)
	}
	return bufio.NewReaderSize(&lineEnds{in: text}, buffer)
}

// wide reads UTF-16 as UTF-8. Halves of a pair that stand alone become U+FFFD.
type wide struct {
	in    *bufio.Reader
	order binary.ByteOrder
	any   bool // something has been read
	kept  rune // read already, for the next turn; 0: none
}

func (w *wide) Read(into []byte) (n int, err error) {
	for n+utf8.UTFMax <= len(into) {
		r, err := w.rune()
		if err != nil {
			if n > 0 {
				err = nil // it comes again
			}
			return n, err
		}
		if r == 0xfeff && !w.any {
			w.any = true
			continue // the mark
		}
		w.any = true
		n += utf8.EncodeRune(into[n:], r)
	}
	return n, nil
}

func (w *wide) rune() (rune, error) {
	r, err := w.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	second, err := w.unit()
	if err != nil {
		return utf8.RuneError, nil
	}
	pair := utf16.DecodeRune(r, second)
	if pair == utf8.RuneError {
		w.kept = second
	}
	return pair, nil
}

// unit returns the next two bytes. A last single byte is passed over.
func (w *wide) unit() (rune, error) {
	if r := w.kept; r != 0 {
		w.kept = 0
		return r, nil
	}
	var two [2]byte
	if _, err := io.ReadFull(w.in, two[:]); err != nil {
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		return 0, err
	}
	return rune(w.order.Uint16(two[:])), nil
}

// lineEnds turns a CR that no LF follows into LF.
type lineEnds struct{ in *bufio.Reader }

func (l *lineEnds) Read(into []byte) (int, error) {
	n, err := l.in.Read(into)
	for i, c := range into[:n] {
		if c != '\r' {
			continue
		}
		next := byte(0)
		if i+1 < n {
			next = into[i+1]
		} else if ahead, _ := l.in.Peek(1); len(ahead) == 1 {
			next = ahead[0]
		}
		if next != '\n' {
			into[i] = '\n'
		}
	}
	return n, err
}
