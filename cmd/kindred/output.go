package main

// print writes a result: as JSON when it was asked for, else as draw does.
func (p *program) print(result any, draw func()) error {
	if !p.settings.JSON {
		draw()
		return nil
	}
	return p.out.JSON(result)
}
