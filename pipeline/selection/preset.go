package selection

import (
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
