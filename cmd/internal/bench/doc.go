// Package bench measures kindred against what is physically possible. It makes customers up, lets a whole pipeline work
// on them through Kafka and Redis, and takes the time of what people wait for; beside each figure stands, where there
// is one, its limit: what the same servers and the same memory give, in the same run, to a program that does nothing else.
//
// It promises that every figure was measured, and that the counts beside it were counted where the work ends: rows in
// Redis, records in Kafka. What comes out wrong is an error, never a figure. It does not know how the pipeline is put
// together, nor how requests and snapshots are published: it is given functions for that.
package bench
