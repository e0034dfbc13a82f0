package schemas

import (
	"reflect"
	"strings"
	"time"
)

// ConnectField is a schema, or a field of one, as Kafka Connect's JsonConverter writes them.
type ConnectField struct {
	Type     string         `json:"type"`
	Name     string         `json:"name,omitempty"` // what the value means, as connectors know it
	Field    string         `json:"field,omitempty"`
	Optional bool           `json:"optional"`
	Fields   []ConnectField `json:"fields,omitempty"`
}

// Connect returns the schema by which Kafka Connect reads the values of a topic, whose own records carry none. There is one for
// memberships and membership-changes, which have the same properties in every record.
func Connect(topic string) (schema ConnectField, known bool) {
	switch topic {
	case Memberships:
		return connectField(reflect.TypeFor[Membership]()), true
	case MembershipChanges:
		return connectField(reflect.TypeFor[MembershipChange]()), true
	}
	return ConnectField{}, false
}

// connectField describes what json.Marshal makes of a type.
func connectField(t reflect.Type) ConnectField {
	if t.Kind() == reflect.Pointer {
		f := connectField(t.Elem())
		f.Optional = true
		return f
	}
	if t == reflect.TypeFor[time.Time]() {
		return ConnectField{Type: "string", Name: "io.debezium.time.ZonedTimestamp"} // a text; sinks that know the name make it a time
	}
	switch t.Kind() {
	case reflect.String:
		return ConnectField{Type: "string"}
	case reflect.Float64:
		return ConnectField{Type: "double"}
	case reflect.Int64:
		return ConnectField{Type: "int64"}
	case reflect.Struct:
		s := ConnectField{Type: "struct"}
		for i := range t.NumField() {
			f := connectField(t.Field(i).Type)
			f.Field, _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
			s.Fields = append(s.Fields, f)
		}
		return s
	}
	panic("no Connect type for " + t.String())
}
