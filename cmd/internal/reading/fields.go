package reading

import (
	"context"
	"encoding/json"

	"kindred/pipeline/field"
	"kindred/pipeline/learn"
)

// Fields is what is known of the fields.
type Fields struct {
	Customers int64         `json:"customers"` // with a profile and consent
	Segment   *SurveyedFrom `json:"segment,omitempty"`
	Fields    []Field       `json:"fields"`
}

// SurveyedFrom is the segment that fields were judged against.
type SurveyedFrom struct {
	ID          string `json:"segmentId"`
	Members     int64  `json:"members"`
	WithProfile int64  `json:"withProfile"` // and consent
}

// Field is one field, and whether it is recommended to learn from.
type Field struct {
	Name        string       `json:"name"`
	Type        string       `json:"type"`
	Distinct    int64        `json:"distinct"` // 255 stands for that many or more
	Coverage    float64      `json:"coverage"`
	Recommended bool         `json:"recommended"`
	Reason      string       `json:"reason,omitempty"`
	Why         string       `json:"why,omitempty"`
	Values      []FieldValue `json:"values"` // the most frequent, at most mostValues
}

// FieldValue is a value that enough customers have to be named.
type FieldValue struct {
	Value     json.RawMessage `json:"value"`
	Customers int64           `json:"customers"`
}

// mostValues is how many values of a field are named.
const mostValues = 6

// Fields finds out about all fields, in the caches. With a segment or an expansion a field that gives its members away is found,
// too. It reads the profiles of all customers.
func (f *Facts) Fields(ctx context.Context, segment string) (*Fields, error) {
	derived := false
	if segment != "" {
		var err error
		if derived, err = f.isDerived(segment); err != nil {
			return nil, err
		}
	}
	leave, err := f.reads.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	found, err := (&learn.Trainer{Cache: f.Cache, Number: f.Shards}).Survey(ctx, f.Book.Declared(), segment, derived)
	if err != nil {
		return nil, readable(err)
	}
	list := &Fields{Customers: found.Customers.All, Fields: make([]Field, 0, len(found.Fields))}
	if segment != "" {
		list.Segment = &SurveyedFrom{segment, found.Segment, found.Customers.Source}
	}
	for i := range found.Fields {
		list.Fields = append(list.Fields, fieldOf(&found.Fields[i]))
	}
	return list, nil
}

func fieldOf(f *field.Surveyed) Field {
	shown := Field{
		Name: f.Name, Type: f.Type, Distinct: f.Distinct, Coverage: f.Coverage,
		Recommended: f.Used, Reason: f.Reason, Why: f.Why, Values: []FieldValue{},
	}
	for _, v := range f.Values[:min(len(f.Values), mostValues)] {
		shown.Values = append(shown.Values, FieldValue{json.RawMessage(v.Text), v.All})
	}
	return shown
}
