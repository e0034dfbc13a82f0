package selection

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"kindred/pipeline/model"
	"kindred/schemas"
)

// written is a preset as it stands in a file.
type written struct {
	Name    string    `json:"name"`
	Bounds  []float64 `json:"bounds"` // where the upper three of the four bands begin; each ends where the next begins
	Floor   *float64  `json:"floor"`
	ShareOf string    `json:"shareOf,omitempty"`
}

const (
	mostPresets   = 50
	longestPreset = 50 // bytes of a name
	ofSimilar     = "similar"
	ofCandidates  = "candidates"
)

// ReadPresets reads presets of one's own: a JSON list of objects with a name, three bounds, a floor, and shareOf, which is
// "similar" unless it says "candidates". Its errors say which of them is wrong, and how it should be.
func ReadPresets(file []byte) (Presets, error) {
	var objects []map[string]json.RawMessage
	if err := schemas.Unmarshal(file, &objects); err != nil {
		return nil, fmt.Errorf("it is no JSON list of objects: %w", err)
	}
	if len(objects) > mostPresets {
		return nil, fmt.Errorf("there are %d presets, more than %d", len(objects), mostPresets)
	}
	own := Presets{}
	for i, object := range objects {
		p, err := readPreset(object)
		if _, taken := own.Named(p.Name); err == nil && taken {
			err = errors.New("there is another preset of that name")
		}
		if err != nil {
			return nil, fmt.Errorf("preset %d (%q): %w", i+1, p.Name, err)
		}
		own = append(own, p)
	}
	slices.SortFunc(own, func(a, b Preset) int { return cmp.Compare(a.Name, b.Name) })
	return own, nil
}

func readPreset(object map[string]json.RawMessage) (p Preset, err error) {
	known := []string{"name", "bounds", "floor", "shareOf"}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if slices.Contains(known, name) {
			continue
		}
		if near := schemas.Near(name, known); near != "" {
			return p, fmt.Errorf("%q means nothing; did you mean %s?", name, near)
		}
		return p, fmt.Errorf("%q means nothing; there are %s", name, strings.Join(known, ", "))
	}
	var w written
	whole, err := json.Marshal(object)
	if err == nil {
		err = schemas.Unmarshal(whole, &w)
	}
	if err != nil {
		return p, err
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	p.Name = w.Name
	switch {
	case w.Name == "" || len(w.Name) > longestPreset || strings.Trim(w.Name, letters) != "":
		return p, fmt.Errorf("its name has to be 1 to %d letters, digits, dots, dashes and underscores", longestPreset)
	case len(w.Bounds) != len(p.Bounds):
		return p, fmt.Errorf("it has %d bounds, and needs %d: where each of the upper three of the four bands begins", len(w.Bounds), len(p.Bounds))
	case w.Floor == nil:
		return p, errors.New("it needs a floor: the lowest score that counts as similar, 0 to 1, unless a request names another")
	case !(*w.Floor >= 0 && *w.Floor <= 1):
		return p, fmt.Errorf("its floor of %v is not between 0 and 1", *w.Floor)
	case w.ShareOf != "" && w.ShareOf != ofSimilar && w.ShareOf != ofCandidates:
		return p, fmt.Errorf("shareOf is %q, and has to be %q or %q", w.ShareOf, ofSimilar, ofCandidates)
	}
	before := 0
	for i, bound := range w.Bounds {
		score := math.Round(bound * model.Best)
		switch {
		case math.Abs(bound*model.Best-score) > 1e-6:
			return p, fmt.Errorf("its bound of %v has more than four decimals, as no score has", bound)
		case score <= 0 || score >= model.Best:
			return p, fmt.Errorf("its bound of %v is not between 0 and 1", bound)
		case int(score) <= before:
			return p, fmt.Errorf("its bounds have to ascend, and %v is not above %v", bound, printed(before))
		}
		before, p.Bounds[i] = int(score), int(score)
	}
	p.Floor, p.ShareOfCandidates = *w.Floor, w.ShareOf == ofCandidates
	return p, nil
}

// Canonical writes presets as ReadPresets reads them: equal ones alike, whatever file they are from.
func (own Presets) Canonical() string {
	all := make([]written, len(own))
	for i, p := range own {
		all[i] = written{Name: p.Name, Floor: &p.Floor}
		for _, bound := range p.Bounds {
			all[i].Bounds = append(all[i].Bounds, printed(bound))
		}
		if p.ShareOfCandidates {
			all[i].ShareOf = ofCandidates
		}
	}
	text, _ := json.Marshal(all) // numbers and plain names
	return string(text)
}
