// Package pipeline is the story of kindred; DESIGN.md beside it tells it whole. Its code lies in the rooms below:
// format, cache, field, train, model, selection, learn, shard, route and control; oracle, which judges them all; and testkit,
// which their tests share. The package itself holds the test that keeps the borders between them.
package pipeline
