// Package demo makes up customers. None of them exists: each is drawn from a seed and a number, in any order, always
// the same. They have hidden traits, which show through in their fields, but never clearly; a VIP is somebody whose
// hidden preference is strong. So a classifier has something to find, and no rule over the fields would find it all.
//
// It knows what a profile looks like in JSON, and nothing of Kafka.
package demo
