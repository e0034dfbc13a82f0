package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"kindred/pipeline/format"
	"kindred/schemas"
)

// Best is the highest score: 1.0 in ten-thousandths. Scores are whole numbers from 0 to Best.
const Best = 10_000

// Model decides who is a member of one expansion. A model does not change any more once Decode has returned it or a Table
// was made of it.
type Model struct {
	Epoch      int64              `json:"epoch"`
	RunID      string             `json:"runId"`
	StartedAt  time.Time          `json:"startedAt"` // of the run
	Deleted    bool               `json:"deleted"`   // the expansion is gone: nobody is a member, and nothing below counts
	Definition schemas.Definition `json:"definition"`
	Bias       int32              `json:"bias"`   // 1/65,536 logit, as all weights
	Fields     []Field            `json:"fields"` // what it looks at; every other field does not matter
	Crosses    []Cross            `json:"crosses,omitempty"`
	Scores     []int32            `json:"scores"` // [s]: the least sum that scores s, ascending; [0] does not matter
	Cut        Cut                `json:"cut"`
	Bands      Bounds             `json:"bands"`
	Customers  int64              `json:"customers,omitempty"` // who consented when it was learned; 0: an earlier build has not noted it

	// Fingerprint tells of what the weights were found. It decides nothing: a run that would find them from the same takes these.
	// Empty: a fit is needed to know what it gives.
	Fingerprint string `json:"fingerprint,omitempty"`

	shared *shared // nil until Decode or Share
}

// Field holds what the values of one field weigh.
type Field struct {
	Name string `json:"name"`

	// Numbers means that only numbers count: whoever has anything else has no value.
	Numbers bool `json:"numbers"`

	// Bounds cut numbers into levels: a number's level is the count of bounds at or below it. Ascending. Nil: each value
	// weighs by itself.
	Bounds []float64 `json:"bounds"`

	// Weights are by number (its canonical JSON text), by level ("0" to the number of bounds) when there are Bounds, else by
	// the text that a value counts as in a category (format.Text). What is not here weighs nothing.
	Weights map[string]int32 `json:"weights"`

	Absent int32 `json:"absent"` // weight of not having a value

	// Customers counts who had what when the model was learned: by level when there are Bounds, else by the values of Weights in
	// their order, and last those without a value. It decides nothing: drift compares later profiles with it. Nil: not counted.
	Customers []int64 `json:"customers,omitempty"`
}

// Cut is the last place that counts as member: by score, and at that score by tie.
type Cut struct {
	Score int    `json:"score"` // Best+1: nobody
	Tie   uint64 `json:"tie"`   // 0: everybody with that score
}

// Nobody is the cut that no customer reaches.
func Nobody() Cut { return Cut{Score: Best + 1} }

// Bounds are the lower ends of the three upper bands, ascending, in ten-thousandths.
type Bounds [3]int

// Band returns the number of a score's band, 0 to 3; names are in schemas.BandNames.
func (b Bounds) Band(score int) int {
	switch {
	case score >= b[2]:
		return 3
	case score >= b[1]:
		return 2
	case score >= b[0]:
		return 1
	}
	return 0
}

// Band returns the number of a score's band, 0 to 3.
func (m *Model) Band(score int) int { return m.Bands.Band(score) }

// deletion is all that the models topic holds of a model whose expansion was deleted.
type deletion struct {
	Epoch     int64     `json:"epoch"`
	RunID     string    `json:"runId"`
	StartedAt time.Time `json:"startedAt"`
	Deleted   bool      `json:"deleted"`
}

// Encode returns the model's canonical bytes: equal models have equal bytes. It refuses what Decode would.
func (m *Model) Encode() ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	var value any = m
	if m.Deleted {
		value = deletion{m.Epoch, m.RunID, m.StartedAt, true}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out) // sorts the keys of maps
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// Decode reads a value of the models topic.
func Decode(value []byte) (*Model, error) {
	m := new(Model)
	if err := json.Unmarshal(value, m); err != nil {
		return nil, fmt.Errorf("decode model: %w", err)
	}
	for i := range m.Fields {
		m.Fields[i].modernize()
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("decode model: %w", err)
	}
	if m.Deleted {
		return m, nil
	}
	m.Share()
	m.Scores = m.shared.scale.thresholds
	return m, nil
}

// modernize turns a field as earlier builds wrote it into one of the present form. Their bounds were the upper halves of keys,
// only fields of numbers had any, and in categories 7 and true weighed by themselves.
func (f *Field) modernize() {
	switch {
	case f.Numbers:
	case f.Bounds != nil:
		f.Numbers = true
		for i, half := range f.Bounds {
			f.Bounds[i] = format.Least(uint32(half) << 16)
		}
	default:
		for _, text := range slices.Collect(maps.Keys(f.Weights)) {
			if category := format.Text(text); category != text {
				if _, known := f.Weights[category]; !known {
					f.Weights[category] = f.Weights[text]
				}
				delete(f.Weights, text)
			}
		}
	}
}

// maxSum bounds every sum, so that none overflows.
const maxSum = 1 << 30

func (m *Model) validate() error {
	if m.Epoch <= 0 {
		return fmt.Errorf("epoch %d", m.Epoch)
	}
	if m.Deleted {
		return nil
	}
	if len(m.Scores) != Best+1 {
		return fmt.Errorf("%d score thresholds, want %d", len(m.Scores), Best+1)
	}
	for s := 2; s < len(m.Scores); s++ {
		if m.Scores[s] < m.Scores[s-1] {
			return fmt.Errorf("the score thresholds descend at %d", s)
		}
	}
	if m.Cut.Score < 0 || m.Cut.Score > Best+1 {
		return fmt.Errorf("cut at score %d", m.Cut.Score)
	}
	if b := m.Bands; b[0] < 0 || b[0] > b[1] || b[1] > b[2] || b[2] > Best {
		return fmt.Errorf("bounds of the bands %v", b)
	}
	return m.validateFields()
}

func (m *Model) validateFields() error {
	largest := magnitude(m.Bias)
	seen := make(map[string]bool, len(m.Fields))
	for i := range m.Fields {
		f := &m.Fields[i]
		if seen[f.Name] {
			return errors.New("a field stands there twice")
		}
		seen[f.Name] = true
		for k := 1; k < len(f.Bounds); k++ {
			if f.Bounds[k] <= f.Bounds[k-1] {
				return fmt.Errorf("field %d: its bounds do not ascend", i)
			}
		}
		if f.Bounds != nil && !f.Numbers {
			return fmt.Errorf("field %d: bounds are of numbers", i)
		}
		most := magnitude(f.Absent)
		for _, w := range f.Weights {
			most = max(most, magnitude(w))
		}
		largest += most
	}
	for i := range m.Crosses {
		if err := m.Crosses[i].validate(seen); err != nil {
			return err
		}
		largest += m.Crosses[i].largest()
	}
	if largest > maxSum {
		return errors.New("the weights are too large to be summed")
	}
	return nil
}

func magnitude(w int32) int64 {
	if w < 0 {
		return -int64(w)
	}
	return int64(w)
}
