package model

import "slices"

// mostPlaces bounds the weights of a joint of several crosses: they stay in a near cache, and are quickly made.
const mostPlaces = 1 << 12

// bundle is some fields that become a joint, and their crosses.
type bundle struct {
	fields  []string
	crosses []*Cross
}

// bundling divides what a model weighs into joints.
type bundling struct {
	own   map[string]*Cross // what the fields that have crosses weigh by themselves
	sizes map[string]int    // of the same fields: how many values they or their crosses name, and one more for all others
}

// newJoints makes joints of a model's crosses, and returns the fields that are in none by themselves. Crosses that have fields in
// common are joined for as long as their joint is small, and one of a field's joints holds what it weighs by itself.
func newJoints(m *Model) (joints []joint, alone []Field) {
	if len(m.Crosses) == 0 {
		return nil, m.Fields
	}
	b := bundling{map[string]*Cross{}, map[string]int{}}
	var crosses []*Cross
	for i := range m.Crosses {
		crosses = append(crosses, &m.Crosses[i])
	}
	for i := range m.Fields {
		f := &m.Fields[i]
		if slices.ContainsFunc(crosses, func(c *Cross) bool { return slices.Contains(c.Fields, f.Name) }) {
			itself := f.itself()
			b.own[f.Name] = itself
			b.sizes[f.Name] = 1 + len(named(f.Name, append(slices.Clone(crosses), itself)))
		} else {
			alone = append(alone, *f)
		}
	}
	for _, bundle := range b.bundles(crosses) {
		if b.places(bundle.fields) <= mostPlaces {
			for _, name := range bundle.fields {
				if itself := b.own[name]; itself != nil {
					bundle.crosses = append(bundle.crosses, itself)
					delete(b.own, name)
				}
			}
		}
		joints = append(joints, newJoint(m.named(bundle.fields), bundle.crosses))
	}
	for _, f := range m.Fields {
		if b.own[f.Name] != nil { // only in joints that were too large
			alone = append(alone, f)
		}
	}
	return joints, alone
}

// bundles returns the crosses in bundles: at first each by itself, then the two that have most in common become one.
func (b *bundling) bundles(crosses []*Cross) (all []bundle) {
	for _, c := range crosses {
		all = append(all, bundle{c.Fields, []*Cross{c}})
	}
	for {
		most, first, second := 0, 0, 0
		for j := range all {
			for i := range j {
				both := union(all[i].fields, all[j].fields)
				if common := len(all[i].fields) + len(all[j].fields) - len(both); common > most && b.places(both) <= mostPlaces {
					most, first, second = common, i, j
				}
			}
		}
		if most == 0 {
			return all
		}
		all[first] = bundle{union(all[first].fields, all[second].fields), slices.Concat(all[first].crosses, all[second].crosses)}
		all = slices.Delete(all, second, second+1)
	}
}

// union returns the names in one or both.
func union(names, others []string) []string {
	all := slices.Clone(names)
	for _, name := range others {
		if !slices.Contains(names, name) {
			all = append(all, name)
		}
	}
	return all
}

// places returns how many weights a joint of these fields has, or any number above mostPlaces.
func (b *bundling) places(names []string) int {
	n := 1
	for _, name := range names {
		n = min(n*b.sizes[name], mostPlaces+1)
	}
	return n
}

// named returns the fields of these names.
func (m *Model) named(names []string) (fields []Field) {
	for _, name := range names {
		k := slices.IndexFunc(m.Fields, func(f Field) bool { return f.Name == name })
		fields = append(fields, m.Fields[k])
	}
	return fields
}
