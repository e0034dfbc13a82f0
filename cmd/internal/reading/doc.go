// Package reading answers what people ask of an installation: which segments, expansions and runs there are, who is a member and
// why, what is known of the fields, what could not be handled, and how far the shards are. The command line, the API and the pages
// give the same facts because all of them ask here.
//
// It reads topics and caches, and changes nothing. How facts are shown it does not know.
package reading
