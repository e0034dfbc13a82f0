package field

import "slices"

// Why a field is not used, as it stands in reports.
const (
	ByType      = "type"        // its type is excluded unless somebody names it
	Cardinality = "cardinality" // fewer than 2 values, or too many
	Coverage    = "coverage"    // too few customers have it
	Sensitive   = "sensitive"   // declared so: never used, whoever asks
	Leak        = "leak"        // it sets the source apart almost exactly: it was made from it, or the source from it
	Overflow    = "overflow"    // a shard has met more than 254 values and keeps none
	NoPlace     = "no_place"    // a shard had 256 other fields when it came
	NotAsked    = "not_asked"   // others were named
	Unknown     = "unknown"     // there is no such field
)

const (
	mostRecommended = 30  // distinct values
	mostNamed       = 254 // distinct values, of a field that somebody named
	mostCounted     = 255 // stands for this many or more
	fewestCovered   = 1   // percent of the customers
)

// distinct returns how many values customers have, or mostCounted.
func (k *known) distinct() int {
	switch {
	case k.numeric:
		return min(len(k.numbers), mostCounted)
	case k.overflows > 0:
		return mostCounted
	}
	return min(len(k.values), mostCounted)
}

// reason returns why the field cannot be used; empty: it can. A field that somebody named is taken whatever its type.
func (k *known) reason(customers Count, named bool) string {
	distinct := k.distinct()
	switch {
	case k.sensitive:
		return Sensitive
	case !named && slices.Contains(excludedTypes, k.kind):
		return ByType
	case k.unplaced > 0:
		return NoPlace
	case distinct == mostCounted && !k.numeric:
		return k.tooMany()
	case distinct < 2:
		return Cardinality
	case distinct > mostRecommended && !named:
		return Cardinality
	case k.holders.All*100 < customers.All*fewestCovered:
		return Coverage
	case k.column.Levels() < 2 || k.binned() && k.column.Bounds == nil: // all values but one are too rare
		return Cardinality
	case k.leaks(customers):
		return Leak
	}
	return ""
}

// tooMany returns why a field with too many values cannot be used: it has them, or only some shards met them, maybe long
// ago.
func (k *known) tooMany() string {
	if k.overflows == k.shards || len(k.values) > mostRecommended {
		return Cardinality
	}
	return Overflow
}
