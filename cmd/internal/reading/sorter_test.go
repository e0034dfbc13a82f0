package reading

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kindred/pipeline/model"
)

// However few members fit in memory, they come in the order of their ranks, each once.
func TestAnyNumberOfMembersIsSorted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{1, 7, 100, 1000, 0} {
		for _, n := range []int{0, 1, 100, 1000} {
			s := sorter{most: most}
			var want []ranked
			for i := range n {
				id := fmt.Appendf(nil, "c-%0*d", 1+random.IntN(200), i)
				m := ranked{score: random.IntN(30), band: random.IntN(4), tie: model.Tie("x", id) % 3, id: id}
				want = append(want, ranked{m.score, m.band, m.tie, bytes.Clone(id)})
				if err := s.add(m); err != nil {
					t.Fatal(err)
				}
				clear(id) // the sorter must have copied it
			}
			slices.SortFunc(want, ranked.compare)
			at := 0
			err := s.each(func(m ranked) error {
				if w := want[at]; m.score != w.score || m.band != w.band || m.tie != w.tie || !bytes.Equal(m.id, w.id) {
					t.Fatalf("at %d of %d with %d in memory: %+v, want %+v", at, n, most, m, w)
				}
				at++
				return nil
			})
			if err != nil || at != n {
				t.Fatalf("%d of %d with %d in memory: %v", at, n, most, err)
			}
			s.close()
		}
	}
}
