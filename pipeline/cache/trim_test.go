package cache

import (
	"fmt"
	"strconv"
	"testing"
)

// TestPartsThatAreGoneAreForgotten: what is known of metas does not grow with what was ever in them.
func TestPartsThatAreGoneAreForgotten(t *testing.T) {
	var s Store
	for i := range 10 {
		hash := map[string]string{metaLayout: strconv.Itoa(Layout)}
		for j := range 3 {
			hash[fmt.Sprint(metaExpansion, i, "-", j)] = `{"epoch":1}`
		}
		if m := metaOf(hash, s.parts(3)); len(m.Expansions) != 3 {
			t.Fatalf("it is read as %+v", m)
		}
	}
	if n := len(s.parts(3).known); n > 2*4 {
		t.Errorf("%d fields are known, of a hash of 4", n)
	}
	metaOf(nil, s.parts(3))
	if n := len(s.parts(3).known); n > 0 {
		t.Errorf("%d fields are known where there is no meta", n)
	}
}

// BenchmarkMeta makes the meta of a shard of 40 expansions of as many segments, of which one pass gets on each time.
func BenchmarkMeta(b *testing.B) {
	var s Store
	hash := map[string]string{metaLayout: strconv.Itoa(Layout)}
	progress := Progress{Epoch: 3, RunID: "00000000-0000-0000-0000-000000000000", PassDone: 17, PassOf: 17, Members: [Bands]int64{7000}}
	for i := range 40 {
		id := fmt.Sprint(i)
		hash[metaExpansion+id] = encode(progress)
		hash[metaSegment+id] = encode(SegmentMeta{Number: 1, Size: 3000, Flips: 3000, Chunks: []byte{1}})
		hash[metaPublished+id] = encode(publishedMeta{Members: progress.Members, Blocks: []byte{255, 255, 1}})
		hash[metaModel+id] = "1234"
	}
	var steps [17]string
	for i := range steps {
		progress.PassDone = i
		steps[i] = encode(progress)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		hash[metaExpansion+"0"] = steps[i%len(steps)]
		if m := metaOf(hash, s.parts(3)); m.Damaged != "" {
			b.Fatal(m.Damaged)
		}
	}
}
