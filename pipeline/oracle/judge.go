package oracle

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"kindred/pipeline/model"
	"kindred/schemas"
)

// Place is where a member stands in an expansion.
type Place struct {
	Score int // ten-thousandths
	Band  int // 0..3, as in schemas.BandNames
}

// Memberships returns all members there should be, by expansion + "/" + customer.
func (o *Oracle) Memberships() map[string]Place {
	used := o.used()
	crowded := o.crowded(used)
	all := map[string]Place{}
	for id := range o.profiles {
		c := o.customer(id, used)
		if !c.consents {
			continue
		}
		c.crowded = crowded[o.shard(id)]
		for expansion := range o.models {
			if v := o.decide(c, expansion); v.member {
				all[expansion+"/"+id] = v.Place
			}
		}
	}
	return all
}

// Expansions returns the ids of the expansions that have a model, sorted.
func (o *Oracle) Expansions() []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(o.models)) {
		if !o.models[id].Deleted {
			ids = append(ids, id)
		}
	}
	return ids
}

// customer is a customer with a profile, and what has been decided about it.
type customer struct {
	id       string
	consents bool
	values   map[string]value   // by field
	verdicts map[string]verdict // by expansion
	crowded  map[string]bool    // fields that have too many values in the customer's shard
}

// value is the value of a field: its canonical JSON text, and the number if it is one.
type value struct {
	text     string
	number   float64
	isNumber bool
}

// verdict is the decision about a customer and an expansion.
type verdict struct {
	member bool
	Place
}

func (o *Oracle) shard(customer string) int {
	return o.Partitioner.Partition([]byte(customer), o.Shards)
}

// used returns the fields that models look at.
func (o *Oracle) used() map[string]bool {
	used := map[string]bool{}
	for _, m := range o.models {
		for i := range m.Fields {
			used[m.Fields[i].Name] = true
		}
	}
	return used
}

// customer decodes the profile of a customer and keeps the fields that are used. It was decoded once before.
func (o *Oracle) customer(id string, used map[string]bool) *customer {
	p := &o.scratch
	if err := p.Decode(o.profiles[id]); err != nil {
		panic("a profile that could be read cannot: " + err.Error())
	}
	c := &customer{id: id, consents: p.Profiling, values: map[string]value{}, verdicts: map[string]verdict{}}
	for i := range p.Fields {
		f := &p.Fields[i]
		if used[string(f.Name)] && f.Kind != schemas.Absent && f.Kind != schemas.Other {
			c.values[string(f.Name)] = value{string(schemas.AppendCanonical(nil, f)), f.Number, f.Kind == schemas.Number}
		}
	}
	return c
}

// decide applies the rule of membership. Expansions that the rule names are decided first. In a cycle, which a request
// cannot ask for, nobody is a member.
func (o *Oracle) decide(c *customer, expansion string) verdict {
	v, decided := c.verdicts[expansion]
	if decided {
		return v
	}
	c.verdicts[expansion] = verdict{}
	m := o.models[expansion]
	if m != nil && !m.Deleted && o.eligible(c, &m.Definition) {
		score := score(m, c)
		if reaches(m, score, expansion, c.id) && !heldOut(m, expansion, c.id) {
			v = verdict{true, Place{score, band(m, score)}}
		}
	}
	c.verdicts[expansion] = v
	return v
}

// eligible reports whether a customer may be a member, whatever the score.
func (o *Oracle) eligible(c *customer, d *schemas.Definition) bool {
	if d.Candidates.SegmentID != "" && !o.in(c, d.Candidates.SegmentID) {
		return false
	}
	if d.ExcludeSource && o.in(c, d.SourceSegmentID) {
		return false
	}
	for _, id := range d.Suppress {
		if o.in(c, id) {
			return false
		}
	}
	return true
}

// in reports whether a customer is in a segment, which may be an expanded one.
func (o *Oracle) in(c *customer, id string) bool {
	if m := o.models[id]; m != nil && !m.Deleted {
		return o.decide(c, id).member
	}
	if s := o.routed[id]; s != nil {
		return s.has(c.id)
	}
	s := o.segments[id]
	return s != nil && s.members[c.id]
}

// score returns the score of the sum of the weights of a customer's values.
func score(m *model.Model, c *customer) int {
	sum := int64(m.Bias)
	for i := range m.Fields {
		f := &m.Fields[i]
		v, has := c.values[f.Name]
		switch {
		case !has, f.Numbers && !v.isNumber:
			sum += int64(f.Absent)
		case f.Numbers && f.Bounds != nil:
			sum += int64(f.Weights[strconv.Itoa(level(f.Bounds, v.number, c.crowded[f.Name]))])
		case f.Numbers && c.crowded[f.Name]:
			sum += int64(nearest(f.Weights, v.number))
		case f.Numbers:
			sum += int64(f.Weights[v.text])
		case !c.crowded[f.Name]:
			sum += int64(f.Weights[inCategory(v.text)])
		}
	}
	for i := range m.Crosses {
		sum += int64(together(m, &m.Crosses[i], c))
	}
	// The best score whose least sum is not above this one.
	return sort.Search(model.Best, func(s int) bool { return int64(m.Scores[s+1]) > sum })
}

// together returns what a customer's values in the fields of a cross weigh together. Each weight is tried.
func together(m *model.Model, cross *model.Cross, c *customer) int32 {
	for combination, weight := range cross.Weights {
		has := true
		rest := combination
		for i := len(cross.Fields) - 1; i >= 0; i-- {
			values := cross.Values[i]
			has = has && counts(m, c, cross.Fields[i], values, values[rest%len(values)])
			rest /= len(values)
		}
		if has {
			return weight
		}
	}
	return 0
}

// counts reports whether a customer's value of a field counts as this one in a cross, "" for having none. values are all those
// that count there.
func counts(m *model.Model, c *customer, field string, values []string, as string) bool {
	f := &m.Fields[slices.IndexFunc(m.Fields, func(f model.Field) bool { return f.Name == field })]
	v, has := c.values[field]
	switch {
	case !has, f.Numbers && !v.isNumber:
		return as == ""
	case as == "":
		return false
	case f.Numbers && f.Bounds != nil:
		return as == strconv.Itoa(level(f.Bounds, v.number, c.crowded[field]))
	case f.Numbers && c.crowded[field]:
		only := map[string]int32{}
		for _, value := range values {
			only[value] = 0
		}
		only[as] = 1
		return nearest(only, v.number) == 1
	case f.Numbers:
		return as == v.text
	}
	return !c.crowded[field] && as == inCategory(v.text)
}

// inCategory returns the text by which a value counts in a category: 7 is "7" there.
func inCategory(text string) string {
	if text[0] != '"' {
		return strconv.Quote(text)
	}
	return text
}

// level returns the number of bounds at or below a number. Where there are too many values to be kept, only roundings to
// float32 are left to be compared.
func level(bounds []float64, number float64, crowded bool) int {
	n := 0
	for _, b := range bounds {
		if !crowded && b <= number || crowded && floor(b) <= floor(number) {
			n++
		}
	}
	return n
}

// nearest returns what the only number weighs that has the same rounding.
func nearest(weights map[string]int32, number float64) int32 {
	var weight int32
	found := 0
	for text, w := range weights {
		if n, err := strconv.ParseFloat(text, 64); err == nil && floor(n) == floor(number) {
			weight = w
			found++
		}
	}
	if found > 1 {
		return 0
	}
	return weight
}

// floor rounds a number down to a float32.
func floor(number float64) float64 {
	f := float32(number)
	for float64(f) > number {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return float64(f)
}

// reaches reports whether score and tie are at or above the cut.
func reaches(m *model.Model, score int, expansion, customer string) bool {
	tie := xxhash.Sum64String(expansion+"/"+customer) >> 11
	return score > m.Cut.Score || score == m.Cut.Score && tie >= m.Cut.Tie
}

// heldOut reports whether the customer is among those whom the expansion keeps out by lot: the least hashes, as many of all that
// there can be as the hold-out says.
func heldOut(m *model.Model, expansion, customer string) bool {
	const all = 1 << 53
	lot := xxhash.Sum64String("holdout/"+expansion+"/"+customer) >> 11
	return float64(lot) < m.Definition.Holdout*all
}

func band(m *model.Model, score int) int {
	band := 0
	for _, from := range m.Bands {
		if score >= from {
			band++
		}
	}
	return band
}

// mostValues is how many values of a field a shard keeps apart. When there are more, none of them counts.
const mostValues = 254

// crowded returns, by shard, the fields that have too many values among the customers who consent.
func (o *Oracle) crowded(used map[string]bool) map[int]map[string]bool {
	values := map[int]map[string]map[string]bool{} // by shard, field and text
	for id := range o.profiles {
		c := o.customer(id, used)
		if !c.consents {
			continue
		}
		shard := o.shard(id)
		if values[shard] == nil {
			values[shard] = map[string]map[string]bool{}
		}
		for name, v := range c.values {
			switch texts := values[shard][name]; {
			case texts == nil:
				values[shard][name] = map[string]bool{v.text: true}
			case len(texts) <= mostValues: // it is crowded; more need not be counted
				texts[v.text] = true
			}
		}
	}
	crowded := map[int]map[string]bool{}
	for shard, fields := range values {
		crowded[shard] = map[string]bool{}
		for name, texts := range fields {
			crowded[shard][name] = len(texts) > mostValues
		}
	}
	return crowded
}
