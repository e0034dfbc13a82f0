package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// Input is a file that can be read more than once.
type Input struct {
	Name string // for people

	file      *os.File
	size      int64
	temporary bool
}

// Open opens a file by its path; "-" is stdin. What is no regular file, such as a pipe, is kept in a temporary file, readable by
// its owner alone, until Close or the end of the process: a table is looked through before anything of it is published.
func Open(path string, stdin io.Reader) (in *Input, err error) {
	if path == "-" {
		return kept("stdin", stdin)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		return &Input{Name: path, file: file, size: info.Size()}, nil
	}
	defer file.Close()
	if err != nil {
		return nil, err
	}
	return kept(path, file)
}

// kept reads to the end of what can be read only once.
func kept(name string, from io.Reader) (*Input, error) {
	file, err := os.CreateTemp("", "kindred-load-*")
	if err != nil {
		return nil, fmt.Errorf("keep %s: %w", name, err)
	}
	in := &Input{Name: name, file: file, temporary: os.Remove(file.Name()) != nil} // an open file needs no name, but on Windows
	if in.size, err = io.Copy(file, from); err != nil {
		in.Close()
		return nil, &Refused{fmt.Errorf("keep %s: %w", name, err), "a folder with more room in TMPDIR, or a file"}
	}
	return in, nil
}

// Close deletes what was kept.
func (in *Input) Close() error {
	err := in.file.Close()
	if in.temporary {
		err = errors.Join(err, os.Remove(in.file.Name()))
	}
	return err
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

// rows goes to the start of the input, in the format that its content shows. A delimiter of 0 is noticed.
func (in *Input) rows(delimiter rune) (rows, error) {
	text, kind, err := in.content()
	switch {
	case err != nil:
		return nil, err
	case kind == parquetFile:
		return newParquet(in.file, in.size)
	case kind == jsonText:
		return newJSON(text), nil
	}
	return newDelimited(text, delimiter)
}

// content finds out the format of the input, and returns its text, outside of gzip and as UTF-8, from the start; of Parquet none.
func (in *Input) content() (*bufio.Reader, kind, error) {
	packed := bufio.NewReaderSize(io.NewSectionReader(in.file, 0, in.size), buffer)
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
