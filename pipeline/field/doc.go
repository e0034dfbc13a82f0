// Package field decides which profile fields can be learned from, and why not the others.
//
// It makes a catalogue from plain counts: per field, how many customers have which value, and how many of them are in
// the source segment. From the catalogue it takes the recommended fields, or those that somebody named, and gives each
// value its level: the number by which a classifier knows it. It also tells which fields look, by their names, like what laws protect.
//
// It promises that the same counts give the same catalogue and the same levels, in whatever order and by however many
// shards they were counted, and that no value is named that fewer than ten customers have.
//
// It knows neither where the counts come from nor what is learned from the levels.
package field
