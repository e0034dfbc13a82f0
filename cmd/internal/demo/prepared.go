package demo

import "math"

// prepared are the categories as they are written: each value with its name as JSON, each lean once.
var prepared = prepare(categories)

type preparedCategory struct {
	leans  []preparedLean
	chance float32
	absent uint64 // of 65,536
	below  []float32
	json   [][]byte // `"Gender":"F",`
}

type preparedLean struct {
	trait int
	by    float32
}

func prepare(categories []category) []preparedCategory {
	var all []preparedCategory
	for _, c := range categories {
		deviation := float64(c.chance * c.chance)
		for _, by := range c.leans {
			deviation += float64(by * by)
		}
		scale := float32(1 / math.Sqrt(deviation))
		r := preparedCategory{chance: c.chance * scale, absent: uint64(c.absent * 65536)}
		for trait, by := range c.leans {
			if by != 0 {
				r.leans = append(r.leans, preparedLean{trait: trait, by: by * scale})
			}
		}
		for _, v := range c.values {
			r.below = append(r.below, v.below)
			r.json = append(r.json, []byte(`"`+c.name+`":"`+v.text+`",`))
		}
		all = append(all, r)
	}
	return all
}

// append appends the value that a customer has, or nothing.
func (r *preparedCategory) append(dst []byte, traits *traits, chance *chance) []byte {
	if r.absent > 0 && chance.next()&0xffff < r.absent {
		return dst
	}
	sum := r.chance * chance.normal()
	for _, lean := range r.leans {
		sum += lean.by * traits[lean.trait]
	}
	last := len(r.below) - 1
	for i := range last {
		if sum < r.below[i] {
			return append(dst, r.json[i]...)
		}
	}
	return append(dst, r.json[last]...)
}

// quantile is the value below which a share of normal numbers lies.
func quantile(share float64) float32 {
	return float32(math.Sqrt2 * math.Erfinv(2*share-1))
}
