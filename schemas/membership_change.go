package schemas

import (
	"strconv"
	"time"
)

// MembershipChange is a change of one customer's place in an expanded segment, of which a reader needs nothing but the value. The
// last change of a key says what is so.
type MembershipChange struct {
	ExpansionID string    `json:"expansionId"`
	CustomerID  string    `json:"customerId"`
	Change      string    `json:"change"`
	Score       *float64  `json:"score"` // nil: no member
	Band        *string   `json:"band"`  // nil: no member
	Was         *Place    `json:"was"`   // nil: no member, or not known
	Cause       string    `json:"cause"`
	Epoch       int64     `json:"epoch"`
	RunID       string    `json:"runId"`
	ChangedAt   time.Time `json:"changedAt"`
}

// Place is where a member is.
type Place struct {
	Score float64 `json:"score"`
	Band  string  `json:"band"`
}

// Values of MembershipChange.Change.
const (
	Entered = "entered"
	Changed = "changed" // a member before and after, or what was before is not known
	Left    = "left"
)

// Rank is where a member is as a shard keeps it. The zero value is nobody's: no member, or not known.
type Rank struct {
	Member bool
	Score  int // ten-thousandths
	Band   int // number
}

// AppendMembershipChange appends a change as JSON, as json.Marshal writes a MembershipChange. at is in ms since 1970.
func AppendMembershipChange(dst []byte, expansionID string, customerID []byte, change string, is, was Rank, cause string,
	epoch int64, runID string, at int64) []byte {
	dst = append(dst, `{"expansionId":`...)
	dst = appendString(dst, expansionID)
	dst = append(dst, `,"customerId":`...)
	dst = appendString(dst, customerID)
	dst = append(dst, `,"change":"`...)
	dst = append(dst, change...)
	dst = append(dst, `",`...)
	if is.Member {
		dst = appendRank(dst, is)
	} else {
		dst = append(dst, `"score":null,"band":null`...)
	}
	dst = append(dst, `,"was":`...)
	if was.Member {
		dst = append(appendRank(append(dst, '{'), was), '}')
	} else {
		dst = append(dst, `null`...)
	}
	dst = append(dst, `,"cause":"`...)
	dst = append(dst, cause...)
	dst = append(dst, `","epoch":`...)
	dst = strconv.AppendInt(dst, epoch, 10)
	dst = append(dst, `,"runId":`...)
	dst = appendString(dst, runID)
	dst = append(dst, `,"changedAt":"`...)
	dst = time.UnixMilli(at).UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, `"}`...)
}

func appendRank(dst []byte, r Rank) []byte {
	dst = appendScore(append(dst, `"score":`...), r.Score)
	dst = append(dst, `,"band":"`...)
	dst = append(dst, BandNames[r.Band]...)
	return append(dst, '"')
}

// Decode reads a change. Its record's key is expansionId/customerId. ReadMembershipChange is the quick way.
func (c *MembershipChange) Decode(key, value []byte) error {
	*c = MembershipChange{}
	if err := Unmarshal(value, c); err != nil {
		return err
	}
	return sameAsKey(key, c.ExpansionID+"/"+c.CustomerID)
}

// ReadMembershipChange reads, without allocating, where a change leaves its customer. The ids are in the record's key.
func ReadMembershipChange(value []byte) (is Rank, err error) {
	var s scanner
	s.start(value)
	s.open('{')
	change, scored, banded := "", false, false
	for s.more('}') {
		switch string(s.newName()) {
		case "change":
			change = s.change()
		case "score":
			if scored = !s.null(); scored {
				is.Score = s.score()
			}
		case "band":
			if banded = !s.null(); banded {
				is.Band = s.band()
			}
		default:
			s.skip()
		}
	}
	is.Member = change != Left
	if err = s.end(); err == nil && (change == "" || scored != is.Member || banded != is.Member) {
		err = malformed(WrongSchema, "a membership change needs a change, and a score and a band unless it is left")
	}
	if err != nil {
		is = Rank{}
	}
	return is, err
}

func (s *scanner) change() string {
	text := s.text()
	for _, word := range [...]string{Entered, Changed, Left} {
		if string(text) == word {
			return word
		}
	}
	s.fail(WrongSchema, "a change is none of entered, changed and left, before byte %d", s.pos)
	return ""
}
