package model_test

import (
	"reflect"
	"slices"
	"testing"

	"kindred/pipeline/model"
	"kindred/schemas"
)

// TestModelsThatDecideAlike: whatever differs makes another decision, but what is listed here. So what a model gets new has to be
// thought of.
func TestModelsThatDecideAlike(t *testing.T) {
	decidesNothing := []string{
		"Model.Epoch", "Model.RunID", "Model.StartedAt", "Model.Customers", "Model.Fingerprint", "Field.Customers",
		"Definition.Name", "Definition.Fields", "Definition.Share", "Definition.Count", "Definition.Floor", // they are in the cut
		"Definition.Preset", "Definition.Bounds", "Definition.ShareOfCandidates", "Definition.Tags", "Definition.Refresh",
	}
	one := func() *model.Model {
		m := small()
		m.Definition = schemas.Definition{SourceSegmentID: "vip", Suppress: []string{"staff"}, Candidates: schemas.Candidates{SegmentID: "c"}}
		m.Fields[0].Bounds = []float64{1}
		m.Crosses = []model.Cross{{Fields: []string{"A", "B"}, Values: [][]string{{"1"}, {"2"}}, Weights: []int32{3}}}
		return m
	}
	if !one().DecidesLike(one()) {
		t.Fatal("equal models do not decide alike")
	}
	var tried []string
	compare := func(what string, change func(*model.Model) reflect.Value) {
		of := change(one()).Type()
		for i := range of.NumField() {
			name := of.Name() + "." + of.Field(i).Name
			if !of.Field(i).IsExported() {
				continue
			}
			other := one()
			alter(t, change(other).Field(i))
			tried = append(tried, name)
			if got, want := one().DecidesLike(other), slices.Contains(decidesNothing, name); got != want {
				t.Errorf("%s: with another %s they decide alike: %v", what, name, got)
			}
		}
	}
	compare("the model", func(m *model.Model) reflect.Value { return reflect.ValueOf(m).Elem() })
	compare("its definition", func(m *model.Model) reflect.Value { return reflect.ValueOf(&m.Definition).Elem() })
	compare("a field", func(m *model.Model) reflect.Value { return reflect.ValueOf(&m.Fields[0]).Elem() })
	compare("a cross", func(m *model.Model) reflect.Value { return reflect.ValueOf(&m.Crosses[0]).Elem() })
	for _, name := range decidesNothing {
		if !slices.Contains(tried, name) {
			t.Errorf("there is no %s", name)
		}
	}
	gone := &model.Model{Deleted: true}
	if gone.DecidesLike(gone) {
		t.Error("who was a member of a deleted expansion has to leave")
	}
}

// alter changes a value of any kind.
func alter(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	case reflect.Float64:
		v.SetFloat(v.Float() + 0.125)
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				alter(t, v.Field(i))
				return
			}
		}
	case reflect.Array:
		alter(t, v.Index(v.Len()-1))
	case reflect.Slice:
		longer := reflect.MakeSlice(v.Type(), v.Len()+1, v.Len()+1)
		reflect.Copy(longer, v)
		v.Set(longer)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	default:
		t.Fatalf("a %s cannot be changed", v.Kind())
	}
}
