// Package cache is a shard's cache: every customer of the shard as a row of codes, who is in which segment, and what
// was last published of whom. The owner of the shard works on a mirror in memory (Mirror) and stores it in Redis
// (Store); the trainer, the command line and the console read it there (ReadMetas, Scan).
//
// It promises that rows and the offsets they belong to are stored in one transaction or not at all, that an owner which
// has lost the shard can store nothing more (ErrLost), and that a reader never mixes two incarnations of a cache. A loaded
// mirror is what was last stored, or nothing; a cache of another Layout counts as nothing. It keeps no value that nobody
// has, and none in Redis of a field with too many. Fields are judged by what customers have now: a place that nobody needs goes to
// another field, and a field with few values again is kept again.
//
// It is the only package that knows go-redis. It does not know Kafka, what a field is good for, or what a model is.
package cache
