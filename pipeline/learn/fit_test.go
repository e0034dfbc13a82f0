package learn

import (
	"testing"

	"kindred/pipeline/model"
	"kindred/pipeline/train"
)

func TestAModelScoresByTheCurve(t *testing.T) {
	check := func(curve train.Curve, logits float64, want int) {
		t.Helper()
		m := quantized(&train.Result{Curve: curve}, nil)
		if got := m.Score(model.Quantize(logits)); got != want {
			t.Errorf("%v logits score %d on %v, want %d", logits, got, curve, want)
		}
	}
	check(nil, 1, 7311)
	curve := train.Curve{{Sum: -1, Logit: -2}, {Sum: 1, Logit: 0}}
	check(curve, 1, 5000)
	check(curve, 0, 2689)
	check(curve, 3, 7311)
}
