package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"kindred/schemas"
)

// parquetRows are the rows of a Parquet file. What is a list or has columns of its own is no cell that a profile could hold.
type parquetRows struct {
	groups []parquet.RowGroup // not begun yet
	group  parquet.Rows       // the present one; nil: none
	some   []parquet.Row      // read, the first of them being the next
	buffer []parquet.Row

	names  []string
	leaves []leaf // by column of the file
	cells  []schemas.FieldValue
	row    int64
}

// leaf says where the values of one of the file's columns go.
type leaf struct {
	at     int // in the row
	nested bool
	read   func(parquet.Value, *schemas.FieldValue)
}

func newParquet(file io.ReaderAt, size int64) (r *parquetRows, err error) {
	defer func() { // the library panics on some damage
		if recover() != nil {
			r, err = nil, errors.New("the Parquet file is damaged")
		}
	}()
	opened, err := parquet.OpenFile(file, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, fmt.Errorf("read Parquet: %w", err)
	}
	r = &parquetRows{groups: opened.RowGroups(), buffer: make([]parquet.Row, 256)}
	for at, column := range opened.Root().Columns() {
		r.names = append(r.names, column.Name())
		if column.Leaf() && !column.Repeated() {
			r.leaves = append(r.leaves, leaf{at: at, read: reading(column.Type())})
			continue
		}
		for range leavesOf(column) {
			r.leaves = append(r.leaves, leaf{at: at, nested: true})
		}
	}
	r.cells = make([]schemas.FieldValue, len(r.names))
	return r, nil
}

func leavesOf(column *parquet.Column) int {
	if column.Leaf() {
		return 1
	}
	n := 0
	for _, inner := range column.Columns() {
		n += leavesOf(inner)
	}
	return n
}

func (p *parquetRows) next() (cells []schemas.FieldValue, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the Parquet file is damaged")
		}
	}()
	for len(p.some) == 0 {
		if err := p.fill(); err != nil {
			return nil, err
		}
	}
	row := p.some[0]
	p.some = p.some[1:]
	p.row++
	for i := range p.cells {
		p.cells[i].Kind = schemas.Absent
	}
	for _, value := range row {
		if value.IsNull() {
			continue
		}
		to := &p.leaves[value.Column()]
		if cell := &p.cells[to.at]; to.nested {
			cell.Kind = schemas.Other
		} else {
			to.read(value, cell)
		}
	}
	return p.cells, nil
}

// fill reads some rows of the present group, or goes to the next one.
func (p *parquetRows) fill() error {
	if p.group == nil {
		if len(p.groups) == 0 {
			return io.EOF
		}
		p.group, p.groups = p.groups[0].Rows(), p.groups[1:]
	}
	n, err := p.group.ReadRows(p.buffer)
	p.some = p.buffer[:n]
	if err != nil && err != io.EOF {
		return fmt.Errorf("read Parquet after row %d: %w", p.row+int64(n), err)
	}
	if err == io.EOF || n == 0 {
		err = p.group.Close()
		p.group = nil
		return err
	}
	return nil
}

// reading returns how values of a type become cells. Points in time become seconds since 1970, so that they can be compared;
// what JSON has no number for is absent.
func reading(of parquet.Type) func(parquet.Value, *schemas.FieldValue) {
	logical := of.LogicalType()
	if logical == nil {
		return plainly
	}
	switch kind := logical.Value.(type) {
	case *format.DecimalType:
		return func(v parquet.Value, cell *schemas.FieldValue) { decimal(unscaled(v), int(kind.Scale), cell) }
	case *format.DateType:
		return func(v parquet.Value, cell *schemas.FieldValue) { float(float64(v.Int32())*86400, cell) }
	case *format.TimestampType:
		if kind.Unit.Value == nil {
			return plainly
		}
		perSecond := float64(time.Second / kind.Unit.Value.Duration())
		return func(v parquet.Value, cell *schemas.FieldValue) { float(float64(v.Int64())/perSecond, cell) }
	case *format.UUIDType:
		return func(v parquet.Value, cell *schemas.FieldValue) {
			id := v.ByteArray()
			cell.Kind, cell.Text = schemas.String, fmt.Appendf(cell.Text[:0], "%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
		}
	case *format.IntType:
		if kind.IsSigned {
			return plainly
		}
		return func(v parquet.Value, cell *schemas.FieldValue) {
			whole := v.Uint64()
			if v.Kind() == parquet.Int32 {
				whole = uint64(v.Uint32())
			}
			cell.Kind, cell.Number, cell.Text = schemas.Number, float64(whole), strconv.AppendUint(cell.Text[:0], whole, 10)
		}
	}
	return plainly
}

func plainly(v parquet.Value, cell *schemas.FieldValue) {
	switch v.Kind() {
	case parquet.Boolean:
		cell.Kind, cell.Bool = schemas.Bool, v.Boolean()
	case parquet.Int32, parquet.Int64:
		whole := int64(v.Int32())
		if v.Kind() == parquet.Int64 {
			whole = v.Int64()
		}
		cell.Kind, cell.Number, cell.Text = schemas.Number, float64(whole), strconv.AppendInt(cell.Text[:0], whole, 10)
	case parquet.Int96: // how Hive and old Spark write points in time
		float(float64(instant(v.Int96()).UnixNano())/1e9, cell)
	case parquet.Float:
		wide, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v.Float()), 'g', -1, 32), 64) // 0.1 stays 0.1
		float(wide, cell)
	case parquet.Double:
		float(v.Double(), cell)
	default:
		cell.Kind, cell.Text = schemas.String, append(cell.Text[:0], v.ByteArray()...)
		if !utf8.Valid(cell.Text) {
			cell.Kind = schemas.Other
		}
	}
}

func float(value float64, cell *schemas.FieldValue) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	cell.Kind, cell.Number, cell.Text = schemas.Number, value, cell.Text[:0]
}

// instant is the time of an INT96: nanoseconds of the day, then the Julian day.
func instant(v deprecated.Int96) time.Time {
	const epoch = 2_440_588 // Julian day of 1970-01-01
	nanos := int64(v[0]) | int64(v[1])<<32
	return time.Unix((int64(v[2])-epoch)*86400, nanos)
}

// unscaled returns a decimal's whole number.
func unscaled(v parquet.Value) *big.Int {
	switch v.Kind() {
	case parquet.Int32:
		return big.NewInt(int64(v.Int32()))
	case parquet.Int64:
		return big.NewInt(v.Int64())
	}
	raw := v.ByteArray()
	whole := new(big.Int).SetBytes(raw)
	if len(raw) > 0 && raw[0] >= 0x80 { // two's complement
		whole.Sub(whole, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return whole
}

func decimal(whole *big.Int, scale int, cell *schemas.FieldValue) {
	digits := whole.Append(cell.Text[:0], 10)
	if scale > 0 {
		digits = strconv.AppendInt(append(digits, 'e', '-'), int64(scale), 10)
	}
	value, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		return
	}
	cell.Kind, cell.Number, cell.Text = schemas.Number, value, digits
	if bytes.IndexByte(digits, 'e') >= 0 {
		cell.Text = cell.Text[:0]
	}
}

func (p *parquetRows) columns() []string { return p.names }
func (p *parquetRows) typed() bool       { return true }
func (p *parquetRows) at() string        { return fmt.Sprintf("row %d", p.row) }
