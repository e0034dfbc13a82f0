package schemas

import "embed"

// Documents are the descriptions of the public events for other programs: json/NAME.schema.json (JSON Schema, draft
// 7), an example or more of each as examples/NAME.json or examples/NAME.KIND.json, and asyncapi.yaml with all topics.
//
//go:embed json/*.schema.json examples/*.json asyncapi.yaml
var Documents embed.FS
