// Package pipeline is the story of kindred; DESIGN.md beside it tells it whole. Its code lies in the rooms below:
// profile, field, train, model, selection, shard, route and control, in the order in which they may import each other,
// and oracle, which judges them all. The package itself holds the test that keeps these borders.
package pipeline
