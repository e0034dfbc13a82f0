package selection

import (
	"math/big"
	"strconv"

	"kindred/pipeline/model"
	"kindred/schemas"
)

// Preset is a named set of rules.
type Preset struct {
	Name   string
	Bounds model.Bounds
	Floor  float64 // 0..1, taken when a request names none

	// ShareOfCandidates: the share is of all candidates, those below the floor included. Else of those above.
	ShareOfCandidates bool
}

// Default is the preset of a request that names none.
const Default = "seed"

// Named returns the preset of a name, and whether there is one.
func Named(name string) (Preset, bool) {
	for _, p := range Presets() {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}

// Presets are all presets there are, the default first.
func Presets() []Preset {
	return []Preset{
		{Name: Default, Bounds: model.Bounds{4000, 6000, 8000}, Floor: 0.55},
		{Name: "2020-05", Bounds: model.Bounds{5500, 7000, 8500}, Floor: 0.4, ShareOfCandidates: true},
	}
}

// Rule says how many are included.
type Rule struct {
	Floor             int     // lowest score that counts as similar, in ten-thousandths
	Share             float64 // (0,1]; not used when Count is given
	Count             int64   // absolute; 0: by Share
	ShareOfCandidates bool    // see Preset
}

// PresetOf returns the preset of a definition. An unknown one counts as the default: requests are checked before.
func PresetOf(d *schemas.Definition) Preset {
	p, ok := Named(d.Preset)
	if !ok {
		p, _ = Named(Default)
	}
	return p
}

// Rule returns how many a definition of this preset includes.
func (p Preset) Rule(d *schemas.Definition) Rule {
	return Rule{Floor: Floor(d.Floor), Share: d.Share, Count: d.Count, ShareOfCandidates: p.ShareOfCandidates}
}

// Floor gives the least score that is not below a floor of 0..1, exactly as the floor is written in decimals.
func Floor(floor float64) int {
	exact := new(big.Rat).Mul(decimal(floor), big.NewRat(model.Best, 1))
	up := new(big.Int).Add(exact.Num(), new(big.Int).Sub(exact.Denom(), big.NewInt(1)))
	return int(up.Div(up, exact.Denom()).Int64())
}

// shareOf is floor(share x n), exactly as the share is written in decimals: 0.29 of 100 is 29, which it is not in
// binary fractions.
func shareOf(share float64, n int64) int64 {
	exact := new(big.Rat).Mul(decimal(share), new(big.Rat).SetInt64(n))
	return new(big.Int).Div(exact.Num(), exact.Denom()).Int64()
}

func decimal(f float64) *big.Rat {
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		return new(big.Rat) // not a number: nothing
	}
	return exact
}
