package selection

import (
	"cmp"
	"slices"

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

// builtIn are the presets of every build, the default first.
func builtIn() []Preset {
	return []Preset{
		{Name: Default, Bounds: model.Bounds{4000, 6000, 8000}, Floor: 0.55},
		{Name: "2020-05", Bounds: model.Bounds{5500, 7000, 8500}, Floor: 0.4, ShareOfCandidates: true},
	}
}

// Presets are the presets of one's own, beside those of every build. Only the controller needs them: a definition carries what it
// takes from them.
type Presets []Preset

// Named returns the preset of a name, and whether there is one.
func (own Presets) Named(name string) (Preset, bool) {
	all := slices.Concat(builtIn(), own)
	i := slices.IndexFunc(all, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return all[i], true
}

// Names lists the names of all presets there are, the default first.
func (own Presets) Names() (names []string) {
	for _, p := range slices.Concat(builtIn(), own) {
		names = append(names, p.Name)
	}
	return names
}

// Settle puts into a definition what it takes from its preset, and reports whether there is one of that name. What every build
// knows need not be there. A definition without a preset has the default.
func (own Presets) Settle(d *schemas.Definition) bool {
	d.Preset = cmp.Or(d.Preset, Default)
	d.Bounds, d.ShareOfCandidates = nil, false
	p, known := own.Named(d.Preset)
	if slices.Contains(own, p) {
		d.Bounds, d.ShareOfCandidates = make([]float64, len(p.Bounds)), p.ShareOfCandidates
		for i, bound := range p.Bounds {
			d.Bounds[i] = printed(bound)
		}
	}
	return known
}

// PresetOf returns the rules of a definition that is settled. An unknown preset counts as the default: the controller has refused
// requests that name one.
func PresetOf(d *schemas.Definition) Preset {
	p, known := Presets(nil).Named(d.Preset)
	switch {
	case known:
		return p
	case len(d.Bounds) == len(p.Bounds):
		p = Preset{Name: d.Preset, ShareOfCandidates: d.ShareOfCandidates}
		for i, bound := range d.Bounds {
			p.Bounds[i] = Floor(bound)
		}
		return p
	}
	return builtIn()[0]
}

// Rule returns how many a definition of this preset includes.
func (p Preset) Rule(d *schemas.Definition) Rule {
	return Rule{Floor: Floor(d.Floor), Share: d.Share, Count: d.Count, ShareOfCandidates: p.ShareOfCandidates}
}
