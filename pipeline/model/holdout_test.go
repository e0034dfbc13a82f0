package model_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"

	"kindred/pipeline/model"
	"kindred/schemas"
)

// holding returns a model that holds out a share.
func holding(share float64) *model.Model {
	return &model.Model{Definition: schemas.Definition{Holdout: share}}
}

func TestWhoIsHeldOutIsNoMember(t *testing.T) {
	standing := model.Standing{Profile: true, Consents: true}
	for i := range 1000 {
		id := fmt.Appendf(nil, "c-%d", i)
		m := holding(0.3)
		if out := m.HoldsOut("e", id); m.Member(standing, model.Best, "e", id) == out {
			t.Errorf("%s is held out: %v, and a member just so", id, out)
		}
		if m = holding(0); m.HoldsOut("e", id) || !m.Member(standing, model.Best, "e", id) {
			t.Errorf("%s is held out though nobody is to be", id)
		}
	}
}

// Others compute it, and whoever is held out today has to be tomorrow: docs/data.md has this example.
func TestLotsStayWhatTheyAre(t *testing.T) {
	const lot = 0.3282551011675663 // of c-17 in vip-expansion
	if sum := xxhash.Sum64String("holdout/vip-expansion/c-17"); float64(sum>>11)/(1<<53) != lot {
		t.Errorf("the documented way gives %v", float64(sum>>11)/(1<<53))
	}
	if text, err := os.ReadFile("../../docs/data.md"); err != nil || !strings.Contains(string(text), fmt.Sprint("On the left stands ", lot, ": c-17")) {
		t.Errorf("docs/data.md has another example (%v)", err)
	}
	id := []byte("c-17")
	if holding(lot).HoldsOut("vip-expansion", id) || !holding(math.Nextafter(lot, 1)).HoldsOut("vip-expansion", id) {
		t.Errorf("the lot of c-17 is no longer %v: others would be held out in every expansion", lot)
	}
}

// So an edit of the share disturbs a measurement that goes on as little as it can.
func TestAGreaterShareHoldsOutEverybodyWhomASmallerOneDoes(t *testing.T) {
	shares := rapid.Float64Range(0, schemas.MostHeldOut)
	rapid.Check(t, func(t *rapid.T) {
		a, b := shares.Draw(t, "a share"), shares.Draw(t, "another")
		e, id := rapid.StringMatching(`[A-Za-z0-9._-]{1,200}`).Draw(t, "expansion"), []byte(rapid.StringN(1, -1, 255).Draw(t, "customer"))
		if small, great := holding(min(a, b)), holding(max(a, b)); small.HoldsOut(e, id) && !great.HoldsOut(e, id) {
			t.Fatalf("%q is held out of %s at %v, not at %v", id, e, min(a, b), max(a, b))
		}
		again := holding(a)
		again.Epoch, again.RunID, again.Cut, again.Bias = 9, "another run", model.Nobody(), 7
		if again.HoldsOut(e, id) != holding(a).HoldsOut(e, id) {
			t.Fatal("what is no share decides who is held out")
		}
	})
}

// Ids as people have them: whatever else is decided by a hash of them, or read from them, says nothing about who is held out.
func TestTheHoldOutIsIndependentOfAllElse(t *testing.T) {
	const customers = 50_000
	forms := map[string]func(i int) string{
		"counted": func(i int) string { return fmt.Sprint(i) },
		"c-17":    func(i int) string { return fmt.Sprintf("c-%d", i) },
		"padded":  func(i int) string { return fmt.Sprintf("%020d", i) },
		"mail":    func(i int) string { return fmt.Sprintf("customer.%d@example.com", i*7) },
	}
	models := []*model.Model{holding(0.01), holding(0.05), holding(0.5)}
	others := map[string]struct {
		groups int
		of     func(i int, id []byte) int
	}{
		"the shard by murmur2": {12, func(_ int, id []byte) int { return schemas.Murmur2.Partition(id, 12) }},
		"the shard by crc32":   {12, func(_ int, id []byte) int { return schemas.CRC32.Partition(id, 12) }},
		"one of 1,024 shards":  {1024, func(_ int, id []byte) int { return schemas.Murmur2.Partition(id, 1024) }},
		"the tie":              {10, func(_ int, id []byte) int { return int(model.Tie("vip-expansion", id) / (1<<53/10 + 1)) }},
		"the last of the tie":  {10, func(_ int, id []byte) int { return int(model.Tie("vip-expansion", id) % 10) }},
		"the number":           {10, func(i int, _ []byte) int { return i / (customers / 10) }},
		"the last digit":       {10, func(i int, _ []byte) int { return i % 10 }},
		"another expansion":    {2, func(_ int, id []byte) int { return one(models[1].HoldsOut("vip-strict", id)) }},
		"its next version":     {2, func(_ int, id []byte) int { return one(models[2].HoldsOut("vip-expansion-2", id)) }},
		"nothing":              {1, func(int, []byte) int { return 0 }}, // so the share itself
	}
	for form, idOf := range forms {
		ids := make([][]byte, customers)
		for i := range ids {
			ids[i] = []byte(idOf(i))
		}
		for what, other := range others {
			all, held := make([]float64, other.groups), make([][]float64, len(models))
			for k := range models {
				held[k] = make([]float64, other.groups)
			}
			for i, id := range ids {
				g := other.of(i, id)
				all[g]++
				for k, m := range models {
					held[k][g] += float64(one(m.HoldsOut("vip-expansion", id)))
				}
			}
			for k, m := range models {
				share := m.Definition.Holdout
				if far := deviation(all, held[k], share); far > 5 {
					t.Errorf("ids %s, share %v: %s is %.1f standard errors from saying nothing", form, share, what, far)
				}
			}
		}
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// deviation returns how many standard errors chi-square is above what chance gives, when of each group's customers this share
// should be held out.
func deviation(all, held []float64, share float64) float64 {
	sum := 0.0
	for g := range all {
		off := held[g] - share*all[g]
		sum += off * off / (all[g] * share * (1 - share))
	}
	n := float64(len(all))
	return (sum - n) / math.Sqrt(2*n)
}
