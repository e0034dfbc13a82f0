package field

import (
	"slices"

	"kindred/schemas"
)

// Choice is what to learn from.
type Choice struct {
	Columns  []Column              // by name
	Counts   [][]Count             // of each column, by level
	Reports  []schemas.FieldReport // of every field of the catalogue, by name; what their values weigh is for whoever learns
	Ruled    []string              // columns by which the source seems to be defined
	Warnings []schemas.Warning
}

// Choose takes the named fields, or the recommended ones when named is nil. Its error is a *Refused.
func (c *Catalogue) Choose(named []string) (*Choice, error) {
	chosen, err := c.chosen(named)
	if err != nil {
		return nil, err
	}
	choice := &Choice{Reports: c.reports(named, chosen)}
	for _, k := range chosen {
		choice.Columns = append(choice.Columns, k.column)
		choice.Counts = append(choice.Counts, k.counts)
		if k.ruled(c.customers) {
			choice.Ruled = append(choice.Ruled, k.name)
		}
	}
	choice.Warnings = c.warnings(named, chosen)
	return choice, nil
}

// Reports returns a report on every field, by name, as if the recommended ones were chosen.
func (c *Catalogue) Reports() []schemas.FieldReport {
	return c.reports(nil, c.recommended())
}

// chosen returns the named fields, or the recommended ones when named is nil, sorted by name.
func (c *Catalogue) chosen(named []string) ([]*known, error) {
	if named == nil {
		if fields := c.recommended(); len(fields) > 0 {
			return fields, nil
		}
		return nil, nothing("no field is recommended")
	}
	if len(named) == 0 {
		return nil, nothing("the list of fields is empty")
	}
	var fields []*known
	for _, k := range c.fields {
		if !slices.Contains(named, k.name) {
			continue
		}
		if reason := k.reason(c.customers, true); reason != "" {
			return nil, k.refused(reason)
		}
		fields = append(fields, k)
	}
	for _, name := range named {
		if !slices.ContainsFunc(c.fields, func(k *known) bool { return k.name == name }) {
			if c.More {
				return nil, (&known{name: name}).refused(NoPlace)
			}
			return nil, unknown(name)
		}
	}
	return fields, nil
}

func (c *Catalogue) recommended() []*known {
	var fields []*known
	for _, k := range c.fields {
		if k.reason(c.customers, false) == "" {
			fields = append(fields, k)
		}
	}
	return fields
}

func (c *Catalogue) reports(named []string, chosen []*known) []schemas.FieldReport {
	reports := make([]schemas.FieldReport, 0, len(c.fields))
	for _, k := range c.fields {
		report := schemas.FieldReport{
			Name:     k.name,
			Type:     k.kind,
			Distinct: int64(k.distinct()),
			Differ:   k.differ,
			Used:     slices.Contains(chosen, k),
		}
		if c.customers.All > 0 {
			report.Coverage = float64(k.holders.All) / float64(c.customers.All)
		}
		if !report.Used {
			report.Reason = k.reason(c.customers, false)
			if report.Reason == "" && named != nil {
				report.Reason = NotAsked
			}
		}
		reports = append(reports, report)
	}
	return reports
}
