package selection_test

import (
	"fmt"

	"kindred/pipeline/selection"
)

// Half of the similar candidates are included. Three have the score of the last one, so their ties decide which.
func ExampleChoose() {
	scores := new(selection.Histogram)
	scores[9100], scores[7000], scores[5600], scores[2000] = 1, 3, 2, 40

	choice := selection.Choose(scores, selection.Rule{Floor: selection.Floor(0.55), Share: 0.5})
	fmt.Println(choice.Similar, choice.Members, choice.Score, choice.NeedsTies())
	cut := choice.Cut([]uint64{30, 10, 20})
	fmt.Println(cut.Score, cut.Tie)
	// Output:
	// 6 3 7000 true
	// 7000 20
}
