package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// declarations returns what a load declares of fields. What was declared of them before and is not declared anew stays: a field
// does not cease to be sensitive because its type is said.
func (l *loading) declarations(before map[string]schemas.Field) (fields []schemas.Field) {
	of := func(name string) *schemas.Field {
		at := slices.IndexFunc(fields, func(f schemas.Field) bool { return f.Name == name })
		if at < 0 {
			at = len(fields)
			fields = append(fields, before[name])
			fields[at].Name = name
		}
		return &fields[at]
	}
	for _, field := range l.types {
		of(field.Name).Type = field.Type
	}
	for _, name := range l.sensitive {
		of(name).Sensitive = true
	}
	return fields
}

// declare publishes declarations of fields.
func (c *connection) declare(ctx context.Context, fields []schemas.Field) error {
	for _, field := range fields {
		value, err := json.Marshal(field)
		if err != nil {
			return err
		}
		headers := schemas.Event(schemas.TypeField, fmt.Sprintf("%s/%s/%v", field.Name, field.Type, field.Sensitive), field.Name, time.Now())
		if err := c.publish(ctx, schemas.Fields, field.Name, value, headers); err != nil {
			return err
		}
	}
	return nil
}

// declared reads what is declared of fields now. What cannot be read declares nothing.
func (c *connection) declared(ctx context.Context) (map[string]schemas.Field, error) {
	all := map[string]schemas.Field{}
	err := c.read(ctx, schemas.Fields, func(r *wire.Record) error {
		var field schemas.Field
		if gone, err := schemas.Read(r, field.Decode); gone {
			delete(all, string(r.Key))
		} else if err == nil {
			all[field.Name] = field
		}
		return nil
	})
	return all, err
}
