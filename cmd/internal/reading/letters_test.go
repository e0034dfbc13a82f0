package reading

import (
	"fmt"
	"testing"
)

func TestAListHoldsOnePageHoweverManyThereAre(t *testing.T) {
	list := Letters{page: make([]Letter, 0, 3)}
	for n := range 5000 {
		l := DeadLetter{Own: int64(n)}
		l.Topic, l.Code = "t", "not_json"
		if n > 2000 {
			l.Code = fmt.Sprintf("made-up-%d", n)
		}
		list.add(&l)
	}
	list.finish()
	if len(list.Letters) != 3 || list.Letters[0].Offset != 4999 || list.Letters[2].Offset != 4997 {
		t.Errorf("the page is %+v", list.Letters)
	}
	var sum int64
	for _, c := range list.Counts {
		sum += c.Count
	}
	if sum != 5000 || len(list.Counts) > mostCounted+1 {
		t.Errorf("%d letters in %d counts", sum, len(list.Counts))
	}
}
