package table_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"kindred/cmd/internal/table"
)

func TestAParquetFileIsATable(t *testing.T) {
	type row struct {
		ID      int64     `parquet:"id"`
		City    *string   `parquet:"city,optional,dict"`
		Age     int32     `parquet:"age"`
		Score   float64   `parquet:"score"`
		Share   float32   `parquet:"share"`
		Member  bool      `parquet:"member"`
		Since   time.Time `parquet:"since,timestamp(microsecond)"`
		Born    int32     `parquet:"born,date"`
		Paid    int64     `parquet:"paid,decimal(2:10)"`
		Card    uint64    `parquet:"card"`
		Basket  []string  `parquet:"basket,list"`
		Address struct {
			Street string `parquet:"street"`
			House  int32  `parquet:"house"`
		} `parquet:"address"`
		Raw  []byte `parquet:"raw"`
		Last string `parquet:"last"`
	}
	oslo, null := "Oslo", "NULL"
	at := time.Date(2026, 11, 23, 10, 0, 0, 500_000_000, time.UTC)
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.Compression(&parquet.Zstd))
	rows := []row{
		{ID: 7, City: &oslo, Age: 41, Score: 1.5, Share: 0.1, Member: true, Since: at, Born: -1, Paid: -1250, Card: 1 << 63, Raw: []byte{0xff}, Last: "a"},
		{ID: 8, City: nil, Age: -1, Since: at, Basket: []string{"x", "y"}, Raw: []byte("ok"), Last: "b"},
		{ID: 9, City: &null, Last: "c"},
	}
	if _, err := w.Write(rows[:2]); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil { // another group of rows
		t.Fatal(err)
	}
	if _, err := w.Write(rows[2:]); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	becomes(t, "parquet", table.Table{ID: "id", Skip: []string{"raw"}}, b.String(), "large_integers not_kept not_kept",
		`7 city="Oslo" age=41 score=1.5 share=0.1 member=true since=1795428000.5 born=-86400 paid=-12.5 card="9223372036854775808" last="a"`,
		`8 age=-1 score=0 share=0 member=false since=1795428000.5 born=0 paid=0 card="0" last="b"`,
		`9 age=0 score=0 share=0 member=false since=-62135596800 born=0 paid=0 card="0" last="c"`)

	for i := 4; i < b.Len(); i += 41 { // damage is an error or another value, never a panic
		damaged := bytes.Clone(b.Bytes())
		damaged[i] ^= 0x5a
		_ = (&table.Table{ID: "id", Input: file(t, string(damaged))}).Look()
	}
}
