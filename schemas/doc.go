// Package schemas holds kindred's words: its topics, its events as Go types with a strict reading of each,
// the JSON Schema of every public event, and the rules for ids. What it accepts is well formed; whether it makes
// sense (does the segment exist, is the share in range) is for the pipeline to say.
//
// It knows neither Kafka's clients nor Redis. Package wire below it knows how records lie in Kafka's batches.
package schemas
