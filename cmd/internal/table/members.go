package table

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Formats are those in which members can be written.
var Formats = []string{"csv", "jsonl", "parquet"}

// FormatOf returns the format that the name of a file says; empty: none.
func FormatOf(path string) string {
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
	if format == "ndjson" {
		format = "jsonl"
	}
	if !slices.Contains(Formats, format) {
		return ""
	}
	return format
}

// Member is a row of a table of members.
type Member struct {
	CustomerID string  `json:"customerId" parquet:"customerId"`
	Score      float64 `json:"score" parquet:"score"`
	Band       string  `json:"band" parquet:"band,dict"`
}

// MemberWriter writes members as rows of a table. It keeps few of them.
type MemberWriter interface {
	Write(*Member) error
	Close() error // writes what is left; whoever gave the writer below closes that
}

// rowGroup is how many rows a Parquet file has together, and its writer keeps.
const rowGroup = 1 << 17

// WriteMembers begins a table in one of the Formats. about goes into a Parquet file as its metadata; the others have no place for it.
func WriteMembers(w io.Writer, format string, about map[string]string) (MemberWriter, error) {
	switch format {
	case "csv":
		rows := csv.NewWriter(w)
		return &delimitedMembers{rows: rows}, rows.Write([]string{"customerId", "score", "band"})
	case "jsonl":
		buffer := bufio.NewWriter(w)
		lines := json.NewEncoder(buffer)
		lines.SetEscapeHTML(false)
		return &jsonMembers{buffer, lines}, nil
	case "parquet":
		options := []parquet.WriterOption{parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(rowGroup)}
		for name, value := range about {
			options = append(options, parquet.KeyValueMetadata(name, value))
		}
		return &parquetMembers{rows: parquet.NewGenericWriter[Member](w, options...)}, nil
	}
	return nil, fmt.Errorf("there is no format %q: want one of %s", format, strings.Join(Formats, ", "))
}

// delimitedMembers are comma-separated, as RFC 4180 says, with lines that end with LF.
type delimitedMembers struct {
	rows *csv.Writer
	row  [3]string
}

func (d *delimitedMembers) Write(m *Member) error {
	d.row = [3]string{m.CustomerID, strconv.FormatFloat(m.Score, 'f', -1, 64), m.Band}
	return d.rows.Write(d.row[:])
}

func (d *delimitedMembers) Close() error {
	d.rows.Flush()
	return d.rows.Error()
}

// jsonMembers are an object a line.
type jsonMembers struct {
	buffer *bufio.Writer
	lines  *json.Encoder
}

func (j *jsonMembers) Write(m *Member) error { return j.lines.Encode(m) }

func (j *jsonMembers) Close() error { return j.buffer.Flush() }

type parquetMembers struct {
	rows *parquet.GenericWriter[Member]
	row  [1]Member
}

func (p *parquetMembers) Write(m *Member) error {
	p.row[0] = *m
	_, err := p.rows.Write(p.row[:])
	return err
}

func (p *parquetMembers) Close() error { return p.rows.Close() }
