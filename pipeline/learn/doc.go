// Package learn finds the model of an expansion: it scans the caches of all shards, chooses the fields, draws a sample, has
// a classifier fitted, scores every candidate, finds the cut, and makes the report. Later it tells how far the profiles have moved
// since, and who is held out.
//
// It promises that the same caches give the same model, however many shards there are and in whatever order customers lie
// in them, and that it learns only from caches that are whole and have seen what the run must see.
//
// It does not know when a run is due, how its model is committed, or who publishes its members.
package learn
