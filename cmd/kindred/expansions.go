package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// expansions reads the present state of all expansions, ordered by id.
func (c *connection) expansions(ctx context.Context) ([]schemas.Expansion, error) {
	latest := map[string]schemas.Expansion{}
	err := c.read(ctx, schemas.Expansions, func(record *wire.Record) error {
		if record.Value == nil {
			delete(latest, string(record.Key))
			return nil
		}
		var expansion schemas.Expansion
		if err := json.Unmarshal(record.Value, &expansion); err != nil {
			return fmt.Errorf("expansion at offset %d: %w", record.Offset, err)
		}
		latest[string(record.Key)] = expansion
		if expansion.OnlyTried() {
			delete(latest, string(record.Key))
		}
		return nil
	})
	all := make([]schemas.Expansion, 0, len(latest))
	for _, expansion := range latest {
		all = append(all, expansion)
	}
	slices.SortFunc(all, func(a, b schemas.Expansion) int { return strings.Compare(a.ExpansionID, b.ExpansionID) })
	return all, err
}

// expansion reads the present state of one; nil: it does not exist.
func (c *connection) expansion(ctx context.Context, id string) (*schemas.Expansion, error) {
	all, err := c.expansions(ctx)
	for i := range all {
		if all[i].ExpansionID == id {
			return &all[i], err
		}
	}
	return nil, err
}

// unknown makes the error for an expansion that does not exist.
func unknown(id string) error {
	return hint(fmt.Errorf("there is no expansion %s", id), "kindred list")
}
