package main

import "encoding/json"

// print writes a result: as JSON when it was asked for, else as draw does.
func (p *program) print(result any, draw func()) error {
	if !p.settings.JSON {
		draw()
		return nil
	}
	encoder := json.NewEncoder(p.out.W)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(result)
}
