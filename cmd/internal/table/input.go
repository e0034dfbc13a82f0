package table

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// Input is a file that can be read more than once.
type Input struct {
	Name string // for people

	path      string
	temporary bool
}

// Open opens a file by its path. "-" is stdin, which is kept in a temporary file, readable by its owner alone, until Close:
// a table is looked through before anything of it is published.
func Open(path string, stdin io.Reader) (*Input, error) {
	if path != "-" {
		return &Input{Name: path, path: path}, nil
	}
	file, err := os.CreateTemp("", "kindred-load-*")
	if err != nil {
		return nil, fmt.Errorf("keep stdin: %w", err)
	}
	in := &Input{Name: "stdin", path: file.Name(), temporary: true}
	_, err = io.Copy(file, stdin)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		in.Close()
		return nil, &Refused{fmt.Errorf("keep stdin: %w", err), "a folder with more room in TMPDIR, or a file instead of -"}
	}
	return in, nil
}

// Close deletes what was kept of stdin.
func (in *Input) Close() error {
	if in.temporary {
		return os.Remove(in.path)
	}
	return nil
}

// Refused is the error for an input that cannot be taken as it is, with the way out.
type Refused struct {
	Err error
	Try string
}

func (r *Refused) Error() string { return r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }

func refuse(try, format string, arguments ...any) error {
	return &Refused{fmt.Errorf(format, arguments...), try}
}

// others are kinds of files that are not read, by how they begin.
var others = []struct{ begin, what, try string }{
	{"PK\x03\x04", "an Excel workbook or a ZIP archive", "save the sheet as CSV, or unpack it"},
	{"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"},
	{"\x28\xb5\x2f\xfd", "compressed by zstd", "zstd -dc FILE, and - for the file"},
	{"BZh", "compressed by bzip2", "bzip2 -dc FILE, and - for the file"},
	{"\xfd7zXZ", "compressed by xz", "xz -dc FILE, and - for the file"},
}

const buffer = 1 << 20

// kind is a format, as people call it.
type kind string

const (
	delimitedText kind = "delimited text"
	jsonText      kind = "JSON lines"
	parquetFile   kind = "Parquet"
)

// rows opens the input in the format that its content shows. A delimiter of 0 is noticed.
func (in *Input) rows(delimiter rune) (rows, error) {
	file, err := os.Open(in.path)
	if err != nil {
		return nil, err
	}
	r, err := open(file, delimiter)
	if err != nil {
		file.Close()
	}
	return r, err
}

func open(file *os.File, delimiter rune) (rows, error) {
	text, kind, err := content(file)
	switch {
	case err != nil:
		return nil, err
	case kind == parquetFile:
		return newParquet(file)
	case kind == jsonText:
		return newJSON(file, text), nil
	}
	return newDelimited(file, text, delimiter)
}

// content finds out the format of a file, and returns its text, unless it is Parquet, outside of gzip and as UTF-8.
func content(file *os.File) (*bufio.Reader, kind, error) {
	packed := bufio.NewReaderSize(file, buffer)
	text, err := unpacked(packed)
	if err != nil {
		return nil, "", err
	}
	if starts(text, "PAR1") {
		if text != packed {
			return nil, "", refuse("gunzip it first", "a Parquet file inside gzip is not read")
		}
		return nil, parquetFile, nil
	}
	for _, other := range others {
		if starts(text, other.begin) {
			return nil, "", refuse(other.try, "this is %s", other.what)
		}
	}
	text = lines(text)
	switch first(text) {
	case '{':
		return text, jsonText, nil
	case '[':
		return nil, "", refuse("jq -c '.[]', which makes lines of an array", "this is a JSON array: want an object a line")
	}
	return text, delimitedText, nil
}

// unpacked returns what is inside gzip, or the text as it is.
func unpacked(text *bufio.Reader) (*bufio.Reader, error) {
	if !starts(text, "\x1f\x8b") {
		return text, nil
	}
	inside, err := gzip.NewReader(text)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return bufio.NewReaderSize(inside, buffer), nil
}

func starts(text *bufio.Reader, with string) bool {
	begin, _ := text.Peek(len(with))
	return string(begin) == with
}

// first returns the first byte that is no blank; 0: there is none near the start.
func first(text *bufio.Reader) byte {
	begin, _ := text.Peek(4096)
	if begin = bytes.TrimLeft(begin, " \t\n"); len(begin) == 0 {
		return 0
	}
	return begin[0]
}
