package schemas

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Report is what a successful run found.
type Report struct {
	Counts       Counts        `json:"counts"`
	Lost         *Lost         `json:"lost,omitempty"` // nil in reports of earlier builds
	Cut          float64       `json:"cut"`            // lowest score of who was chosen; 1 when nobody was
	Ties         int64         `json:"ties"`           // candidates at the cut's score that the tie left out
	Distribution []BandCount   `json:"distribution"`
	Quality      Quality       `json:"quality"`
	Fields       []FieldReport `json:"fields"`
	Crosses      []CrossReport `json:"crosses,omitempty"` // what only shows in combinations, the most influential first
	Reach        []int64       `json:"reach"`             // [i]: candidates with a score of at least i/100, i = 0..100
	Warnings     []Warning     `json:"warnings"`
	LearnedFrom  []Offsets     `json:"learnedFrom"`          // by shard
	Difference   *Difference   `json:"difference,omitempty"` // of a dry run: what it would have published; nil: it was none
}

// Difference is whom a model would move, compared with what is published. Its counts are in customers.
type Difference struct {
	Entered int64            `json:"entered"`
	Left    int64            `json:"left"`
	Changed int64            `json:"changed"` // stay members, with another score or band
	Bands   []BandDifference `json:"bands"`   // from the lowest to the highest
}

// BandDifference is the part of a difference that concerns one band: who leaves it, and who enters it or changes within it or
// into it.
type BandDifference struct {
	Band    string `json:"band"`
	Entered int64  `json:"entered"`
	Left    int64  `json:"left"`
	Changed int64  `json:"changed"`
}

// NewReport returns a report that lists nothing yet. Its lists are empty, not nil, so that they are [] in JSON.
func NewReport() *Report {
	return &Report{
		Distribution: []BandCount{}, Fields: []FieldReport{}, Reach: []int64{}, Warnings: []Warning{}, LearnedFrom: []Offsets{},
	}
}

// Counts are in customers.
type Counts struct {
	Customers         int64 `json:"customers"` // with a profile and consent
	Source            int64 `json:"source"`
	SourceWithProfile int64 `json:"sourceWithProfile"` // and consent: what it learned from
	Candidates        int64 `json:"candidates"`
	Similar           int64 `json:"similar"` // candidates at or above the floor
	Members           int64 `json:"members"`
	HeldOut           int64 `json:"heldOut,omitempty"` // chosen as the members were, and kept out by lot (Definition.Holdout)
	Entered           int64 `json:"entered"`           // membership records of this run, as acknowledged
	Left              int64 `json:"left"`
	Changed           int64 `json:"changed"`
}

// Chosen returns how many the run has chosen: its members, and those who are held out.
func (c *Counts) Chosen() int64 { return c.Members + c.HeldOut }

// Lost counts those who are no members, each by the first rule that keeps them out, in this order. Who is held out is not among
// them.
type Lost struct {
	NoConsent    int64 `json:"noConsent"`    // have a profile that is not to be used
	NotCandidate int64 `json:"notCandidate"` // are not in the candidate segment
	Source       int64 `json:"source"`       // are in the source, which is excluded
	Suppressed   int64 `json:"suppressed"`   // are in a suppressed segment
	BelowFloor   int64 `json:"belowFloor"`   // are candidates, and not similar enough
	BelowCut     int64 `json:"belowCut"`     // are similar enough, and there was no more room
}

// Add adds what another part of the customers has lost.
func (l *Lost) Add(other *Lost) {
	l.NoConsent += other.NoConsent
	l.NotCandidate += other.NotCandidate
	l.Source += other.Source
	l.Suppressed += other.Suppressed
	l.BelowFloor += other.BelowFloor
	l.BelowCut += other.BelowCut
}

// BandCount is one bar of the distribution. From is inclusive, To exclusive but for the topmost.
type BandCount struct {
	Band       string  `json:"band"`
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	Candidates int64   `json:"candidates"`
	Members    int64   `json:"members"`
	HeldOut    int64   `json:"heldOut,omitempty"`
}

// Quality is measured on source members that the measured fit had not seen, against the candidates: those it chooses among.
type Quality struct {
	AUC         float64    `json:"auc"`
	AUCLow      float64    `json:"aucLow,omitempty"` // nineteen times of twenty the AUC lies between these; both 0: it is not known
	AUCHigh     float64    `json:"aucHigh,omitempty"`
	RecallAt20  float64    `json:"recallAt20"`           // share of held-out members among the best 20 % of them and the candidates
	LiftAt20    float64    `json:"liftAt20"`             // RecallAt20 / 0.2
	BandLift    [4]float64 `json:"bandLift"`             // frequency in the source over that among the candidates; 0: nobody there
	BandPromise [4]float64 `json:"bandPromise,omitzero"` // the lift that the scores of a band stand for; 0: nobody there
	Holdout     int64      `json:"holdout"`              // held-out source members measured
	Elsewhere   int64      `json:"elsewhere,omitempty"`  // those of them that are not where the candidates are
	Grade       string     `json:"grade"`                // in words
}

// Chance reports whether the quality cannot be told from chance. Of reports that have no interval it is not known.
func (q *Quality) Chance() bool { return q.Holdout > 0 && q.AUCHigh > 0 && q.AUCLow <= 0.5 }

// FieldReport is whether a field was used, why not, and how much it counts.
type FieldReport struct {
	Name     string  `json:"name"`
	Type     string  `json:"type"`
	Distinct int64   `json:"distinct"` // at least; 255 stands for "255 or more"
	Coverage float64 `json:"coverage"` // 0..1, share of customers that have a value; in a field of numbers: a number

	// Differ is how many customers have a value that is not of the field's type. In a field of numbers they count as having
	// none, in any other by their text.
	Differ int64 `json:"differ,omitempty"`

	Used   bool   `json:"used"`
	Reason string `json:"reason,omitempty"` // type, cardinality, coverage, sensitive, leak, overflow, no_place, not_asked

	// Influence is 0..1: of what the fit knows of customers it had not seen, the share that is lost when everybody counts as average
	// in this field. What two fields tell alike counts for either; so they need not sum to 1.
	Influence float64 `json:"influence,omitempty"`

	// What speaks most for a customer, and what against: at most three values each, the weightiest first.
	For     []ValueReport `json:"for,omitempty"`
	Against []ValueReport `json:"against,omitempty"`
}

// CrossReport is what the combinations of some fields add to what each of them says by itself. Their influence is in that of the
// fields, too.
type CrossReport struct {
	Fields    []string      `json:"fields"`
	Influence float64       `json:"influence"`
	For       []ValueReport `json:"for,omitempty"` // values are combinations: Oslo together with gold
	Against   []ValueReport `json:"against,omitempty"`
}

// ValueReport is what having one value means.
type ValueReport struct {
	Value     string  `json:"value"`     // in words: Oslo, 2,016 to 2,019, no value
	Lift      float64 `json:"lift"`      // what it multiplies the odds of being like the source by, beside the average customer
	Customers int64   `json:"customers"` // who have it; at least ten
}

// Warning is something a person should know about a run that succeeded.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Offsets are positions in one shard's inputs: the next offset to read.
type Offsets struct {
	Shard          int   `json:"shard"`
	Profiles       int64 `json:"profiles"`
	SegmentMembers int64 `json:"segmentMembers"`
	Memberships    int64 `json:"memberships"`
}

// Bounds of a report, so that the record of an expansion can hold two of them.
const (
	largestReport   = 220_000 // bytes of JSON; where 1,024 shards have read to may take 135,000 of them
	mostWarnings    = 50
	largestWarnings = 50_000 // bytes of JSON, all together
	longestOfReport = 1000   // bytes of a text for people
	longestValue    = 60     // bytes of a value in words
	largestValues   = 40_000 // bytes of JSON, all together
	largestCrosses  = 20_000 // bytes of JSON, all together
)

// Bound makes the report as small as a report may be, whatever names and however many fields it has: texts are cut, and
// warnings and fields beyond the bounds left out, unused fields first. A warning says so. Values beyond the bounds are left out
// as well, of the fields with the least influence first. A report within the bounds stays as it is.
func (r *Report) Bound() {
	for i := range r.Fields {
		f := &r.Fields[i]
		f.Name, f.Type = Shorten(f.Name, LongestFieldName), Shorten(f.Type, longestFieldType)
	}
	r.boundValues()
	r.boundCrosses()
	for i := range r.Warnings {
		w := &r.Warnings[i]
		w.Message, w.Hint = Shorten(w.Message, longestOfReport), Shorten(w.Hint, longestOfReport)
	}
	room := largestWarnings
	for i := range r.Warnings {
		if room -= jsonSize(&r.Warnings[i]) + 1; room < 0 || i == mostWarnings {
			more := Warning{
				Code: "more_warnings", Message: fmt.Sprintf("%d more warnings are left out", len(r.Warnings)-i),
				Hint: "see to those that are here first: the next run tells of the others",
			}
			r.Warnings = append(r.Warnings[:i:i], more)
			break
		}
	}
	if left := r.boundFields(); left > 0 {
		r.Warnings = append(r.Warnings, Warning{
			Code:    "more_fields",
			Message: fmt.Sprintf("the reports of %d fields are left out", left),
			Hint:    "publish only fields that tell customers apart",
		})
	}
}

// boundValues cuts values, and leaves out those of the fields with the least influence.
func (r *Report) boundValues() {
	byInfluence := make([]*FieldReport, len(r.Fields))
	for i := range r.Fields {
		byInfluence[i] = &r.Fields[i]
	}
	slices.SortStableFunc(byInfluence, func(a, b *FieldReport) int { return cmp.Compare(b.Influence, a.Influence) })
	room := largestValues
	for _, f := range byInfluence {
		for _, values := range [][]ValueReport{f.For, f.Against} {
			for i := range values {
				values[i].Value = Shorten(values[i].Value, longestValue)
			}
		}
		if f.For == nil && f.Against == nil {
			continue
		}
		if room -= jsonSize(f.For) + jsonSize(f.Against); room < 0 {
			f.For, f.Against = nil, nil
		}
	}
}

// boundCrosses cuts values, and leaves out the crosses with the least influence.
func (r *Report) boundCrosses() {
	for i := range r.Crosses {
		c := &r.Crosses[i]
		for _, values := range [][]ValueReport{c.For, c.Against} {
			for k := range values {
				values[k].Value = Shorten(values[k].Value, len(c.Fields)*longestValue)
			}
		}
	}
	for len(r.Crosses) > 0 && jsonSize(r.Crosses) > largestCrosses {
		r.Crosses = r.Crosses[:len(r.Crosses)-1]
	}
}

// boundFields leaves out fields until the report is small enough, and returns how many.
func (r *Report) boundFields() (left int) {
	fields := r.Fields
	r.Fields = []FieldReport{}
	room := largestReport - jsonSize(r) - 2*longestOfReport // for the warning
	sizes := make([]int, len(fields))
	keep := make([]bool, len(fields))
	for i := range fields {
		sizes[i] = jsonSize(&fields[i]) + 1 // and the comma
	}
	for _, used := range []bool{true, false} {
		for i := range fields {
			if fields[i].Used == used && sizes[i] <= room {
				keep[i], room = true, room-sizes[i]
			}
		}
	}
	for i := range fields {
		if keep[i] {
			r.Fields = append(r.Fields, fields[i])
		}
	}
	return len(fields) - len(r.Fields)
}

// jsonSize returns how many bytes a value takes as JSON whose characters are not escaped for HTML.
func jsonSize(value any) int {
	var size counter
	encoder := json.NewEncoder(&size)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // what is no JSON is found out by whoever writes it
	return int(size)
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// Shorten cuts a text that has more than so many bytes, between two characters, and marks where.
func Shorten(text string, most int) string {
	const mark = "…"
	if len(text) <= most {
		return text
	}
	cut := max(0, most-len(mark))
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}
