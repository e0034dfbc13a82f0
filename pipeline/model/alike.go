package model

import (
	"maps"
	"slices"
)

// DecidesLike reports whether two models make the same members of the same customers, with the same scores and bands. They may
// be of different runs, and called by different names.
func (m *Model) DecidesLike(other *Model) bool {
	a, b := &m.Definition, &other.Definition
	return !m.Deleted && !other.Deleted &&
		a.SourceSegmentID == b.SourceSegmentID && a.ExcludeSource == b.ExcludeSource && a.Candidates == b.Candidates &&
		slices.Equal(a.Suppress, b.Suppress) && a.Holdout == b.Holdout &&
		m.Cut == other.Cut && m.Bands == other.Bands && m.Bias == other.Bias &&
		slices.EqualFunc(m.Fields, other.Fields, weighsLike) && slices.EqualFunc(m.Crosses, other.Crosses, crossesLike) &&
		slices.Equal(m.Scores, other.Scores)
}

func weighsLike(f, other Field) bool {
	return f.Name == other.Name && f.Numbers == other.Numbers && f.Absent == other.Absent &&
		slices.Equal(f.Bounds, other.Bounds) && (f.Bounds == nil) == (other.Bounds == nil) && maps.Equal(f.Weights, other.Weights)
}

func crossesLike(c, other Cross) bool {
	return slices.Equal(c.Fields, other.Fields) && slices.Equal(c.Weights, other.Weights) &&
		slices.EqualFunc(c.Values, other.Values, func(a, b []string) bool { return slices.Equal(a, b) })
}
