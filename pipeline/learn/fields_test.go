package learn

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// However many fields there are, and whatever follows them in a row, codes are counted one by one.
func TestCodesAreCountedByField(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for fields := range 10 {
		for width := 1 + fields; width < fields+4; width++ {
			rows := make([]byte, 100*width)
			for i := range rows {
				rows[i] = byte(random.IntN(256))
			}
			want, got := make([][256]uint32, fields), make([][256]uint32, fields)
			for at := 0; at < len(rows); at += width {
				for f := range fields {
					want[f][rows[at+1+f]]++
				}
			}
			countCodes(rows, width, got)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%d fields in rows of %d bytes are miscounted", fields, width)
			}
		}
	}
}
