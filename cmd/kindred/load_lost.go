package main

import (
	"context"
	"maps"
	"slices"

	"kindred/cmd/internal/table"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// A profile replaces the one before as a whole, so a column that is missing, or has another name, takes a field from everybody
// at once. What most of the last profiles of the topic hold, and the file does not, is told before anything is published.
const (
	lastProfiles = 100 // of each partition
	fewestToTell = 100 // profiles that must have been there
)

// lost returns a warning when most of the last profiles have fields that no column of the file has.
func (l *publication) lost(ctx context.Context) ([]table.Finding, error) {
	ends, err := l.ends(ctx, schemas.Profiles)
	if err != nil {
		return nil, err
	}
	flat, err := l.rows(ctx)
	if err != nil {
		return nil, err
	}
	profile, seen, holders := schemas.Profile{Flat: flat}, 0, map[string]int{}
	count := func(r *wire.Record) error {
		gone, err := schemas.Read(r, func(_, value []byte) error { return profile.Decode(value) })
		if gone || err != nil || !profile.Profiling {
			return nil
		}
		seen++
		for _, field := range profile.Fields {
			if field.Kind != schemas.Absent && field.Kind != schemas.Other {
				holders[string(field.Name)]++
			}
		}
		return nil
	}
	for _, at := range ends {
		end := at.Offset
		at.Offset = max(0, end-lastProfiles)
		if err := l.readReadable(ctx, at, end, count); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(holders)) {
		if 2*holders[name] > seen && !slices.Contains(l.names(), name) {
			names = append(names, name)
		}
	}
	if seen < fewestToTell || len(names) == 0 {
		return nil, nil
	}
	return []table.Finding{table.Lost(names)}, nil
}
