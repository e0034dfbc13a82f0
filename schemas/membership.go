package schemas

import (
	"math"
	"strconv"
	"time"
)

// Membership is one customer's place in an expanded segment. It is written when membership, score or band changes.
type Membership struct {
	ExpansionID string    `json:"expansionId"`
	CustomerID  string    `json:"customerId"`
	Score       float64   `json:"score"` // 0..1, four decimals
	Band        string    `json:"band"`
	Epoch       int64     `json:"epoch"`
	RunID       string    `json:"runId"`
	ChangedAt   time.Time `json:"changedAt"` // time of the cause
}

// BandNames are the four bands, from low to high. The order is the band's number, 0..3.
var BandNames = [4]string{"not similar", "somewhat similar", "similar", "very similar"}

// scoreUnits is the number of steps of a score: scores are whole ten-thousandths.
const scoreUnits = 10000

// AppendMembership appends a membership as JSON, as json.Marshal writes a Membership. The score is in ten-thousandths,
// the band its number, changedAt in ms since 1970.
func AppendMembership(dst []byte, expansionID string, customerID []byte, score, band int, epoch int64, runID string,
	changedAt int64) []byte {
	dst = append(dst, `{"expansionId":`...)
	dst = appendString(dst, expansionID)
	dst = append(dst, `,"customerId":`...)
	dst = appendString(dst, customerID)
	dst = append(dst, `,"score":`...)
	dst = appendScore(dst, score)
	dst = append(dst, `,"band":"`...)
	dst = append(dst, BandNames[band]...)
	dst = append(dst, `","epoch":`...)
	dst = strconv.AppendInt(dst, epoch, 10)
	dst = append(dst, `,"runId":`...)
	dst = appendString(dst, runID)
	dst = append(dst, `,"changedAt":"`...)
	dst = time.UnixMilli(changedAt).UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, `"}`...)
}

// appendScore writes ten-thousandths as 0, 0.5, 0.8731 or 1.
func appendScore(dst []byte, score int) []byte {
	dst = append(dst, '0'+byte(score/scoreUnits))
	if score %= scoreUnits; score == 0 {
		return dst
	}
	dst = append(dst, '.', '0'+byte(score/1000), '0'+byte(score/100%10), '0'+byte(score/10%10), '0'+byte(score%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// Decode reads a membership. Its record's key is expansionId/customerId. ReadMembership is the quick way.
func (m *Membership) Decode(key, value []byte) error {
	*m = Membership{}
	if err := Unmarshal(value, m); err != nil {
		return err
	}
	return sameAsKey(key, m.ExpansionID+"/"+m.CustomerID)
}

const (
	seenScore uint = 1 << iota
	seenBand
	seenEpoch
	seenRunID
	seenExpansion
	seenCustomer
	seenTime

	seenWhatCounts = seenScore | seenBand | seenEpoch | seenRunID
)

// ReadMembership reads what an owner must know of a membership, without allocating: the score in ten-thousandths, the
// band's number, epoch and run. The ids are in the record's key. runID aliases value.
func ReadMembership(value []byte) (score, band int, epoch int64, runID []byte, err error) {
	var s scanner
	var seen uint
	s.start(value)
	s.open('{')
	for s.more('}') {
		switch name := s.name(); string(name) {
		case "score":
			s.once(&seen, seenScore)
			score = s.score()
		case "band":
			s.once(&seen, seenBand)
			band = s.band()
		case "epoch":
			s.once(&seen, seenEpoch)
			epoch = s.integer()
		case "runId":
			s.once(&seen, seenRunID)
			runID = s.text()
		case "expansionId":
			s.once(&seen, seenExpansion)
			s.text()
		case "customerId":
			s.once(&seen, seenCustomer)
			s.text()
		case "changedAt":
			s.once(&seen, seenTime)
			s.text()
		default:
			s.distinct(name)
			s.skip()
		}
	}
	if err = s.end(); err == nil && seen&seenWhatCounts != seenWhatCounts {
		err = malformed(WrongSchema, "a membership needs score, band, epoch and runId")
	}
	return score, band, epoch, runID, err
}

// score reads a score of 0 to 1 as ten-thousandths.
func (s *scanner) score() int {
	f := s.number()
	if f < 0 || f > 1 {
		s.fail(WrongSchema, "a score is outside 0 to 1, before byte %d", s.pos)
		return 0
	}
	return int(math.Round(f * scoreUnits))
}

// band reads the name of a band as its number.
func (s *scanner) band() int {
	name := s.text()
	for i := range BandNames {
		if string(name) == BandNames[i] {
			return i
		}
	}
	s.fail(WrongSchema, "an unknown band, before byte %d", s.pos)
	return 0
}
