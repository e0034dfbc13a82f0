// Package schemas is kindred's contract: its topics, its events as Go types with a strict reading of each, the JSON Schema
// of every public event, the rules for ids, and the codes and causes that events carry. What it accepts is well formed;
// whether it makes sense (does the segment exist, is the share in range) is for the pipeline to decide.
//
// It knows neither Kafka's clients nor Redis. Package wire below it knows how records lie in Kafka's batches.
package schemas
