// Package api answers programs: what there is, as JSON, the names of what changes, as server-sent events, and requests to change
// something, which it publishes as events. It gives the facts that package reading gives, and documents itself in OpenAPI.
//
// Whatever is asked, it answers within a bound of time and holds bounded memory. A problem is an answer of RFC 9457 that says what
// is wrong and the way out. No answer may be kept by caches, as most of them are about people; no id of a customer and no value
// gets into the log.
package api
