package model

import "github.com/cespare/xxhash/v2"

// Standing is what decides whether a customer may be a member at all.
type Standing struct {
	Profile    bool // has one
	Consents   bool
	Candidate  bool // is in the candidate segment; does not matter where all customers are candidates
	Source     bool // is in the source segment
	Suppressed bool // is in one of the suppressed segments
}

// Member is the whole rule of membership: a pure function of one customer and the model.
func (m *Model) Member(s Standing, score int, expansionID string, customerID []byte) bool {
	return m.Eligible(s) && m.Reaches(score, expansionID, customerID) && !m.HoldsOut(expansionID, customerID)
}

// Eligible reports whether a customer may be a member, whatever the score.
func (m *Model) Eligible(s Standing) bool {
	d := &m.Definition
	return !m.Deleted &&
		s.Profile && s.Consents &&
		(s.Candidate || d.Candidates.SegmentID == "") &&
		!(s.Source && d.ExcludeSource) &&
		!s.Suppressed
}

// Hinges reports whether it hinges on the id whether a customer with this score, at or above the cut's, is a member.
func (m *Model) Hinges(score int) bool {
	return m.Definition.Holdout > 0 || score == m.Cut.Score && m.Cut.Tie > 0
}

// Reaches reports whether a customer with this score is at or above the cut.
func (m *Model) Reaches(score int, expansionID string, customerID []byte) bool {
	var tie uint64
	if score == m.Cut.Score && m.Cut.Tie > 0 { // else it does not matter
		tie = Tie(expansionID, customerID)
	}
	return m.Cut.Above(score, tie)
}

// Above reports whether (score, tie) is at or above the cut.
func (c Cut) Above(score int, tie uint64) bool {
	return score > c.Score || score == c.Score && tie >= c.Tie
}

// Tie returns what orders customers of the same score: the greater is the better. It is a hash of both ids, so that no
// customer is favoured everywhere, of 53 bits, so that any reader of JSON keeps it whole. It is not the hash that samples.
func Tie(expansionID string, customerID []byte) uint64 { return hash53("", expansionID, customerID) }

// HoldsOut reports whether a customer is kept out of those whom the model would make members, so that it can be measured what
// these are worth. It is decided by lot: a number from 0 to below 1 that follows from both ids, and from nothing that the tie or
// the sample follows from. So it is the same in every run, and a greater share holds out everybody whom a smaller one does.
func (m *Model) HoldsOut(expansionID string, customerID []byte) bool {
	share := m.Definition.Holdout
	return share > 0 && float64(hash53("holdout/", expansionID, customerID))/(1<<53) < share
}

// hash53 returns a hash of 53 bits, of both ids and of what it is for.
func hash53(what, expansionID string, customerID []byte) uint64 {
	var room [512]byte // the longest take 8 + 200 + 1 + 255
	key := append(append(append(append(room[:0], what...), expansionID...), '/'), customerID...)
	return xxhash.Sum64(key) >> 11
}
