package main

import (
	"fmt"
	"os"

	"kindred/pipeline/selection"
)

// largestPresets is how many bytes a file of presets may have.
const largestPresets = 64 << 10

// readPresets reads the file of --presets; no path: there are none.
func readPresets(path string) (selection.Presets, error) {
	if path == "" {
		return nil, nil
	}
	const try = `a file such as [{"name":"fine","bounds":[0.3,0.55,0.9],"floor":0.45}]`
	info, err := os.Stat(path)
	if err == nil && info.Size() > largestPresets {
		err = fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), largestPresets)
	}
	if err != nil {
		return nil, &failure{code: misused, err: fmt.Errorf("--presets: %w", err), try: try}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, &failure{code: misused, err: fmt.Errorf("--presets: %w", err), try: try}
	}
	presets, err := selection.ReadPresets(file)
	if err != nil {
		return nil, &failure{code: misused, err: fmt.Errorf("--presets %s: %w", path, err), try: try}
	}
	return presets, nil
}
