// Package selection decides how far down an expansion reaches: from how many candidates have each score it makes the
// cut, the bands' distribution and the reach curve, by the rules of floor, share and count. It knows the presets,
// and reads those of one's own from a file's bytes.
//
// It is pure: the same counts and the same ties make the same cut. It refuses to know customers, fields and weights.
package selection
