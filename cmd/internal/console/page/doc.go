// Package page makes the pages of the console: a list of segments with what they were expanded to, forms that ask for expansions,
// runs, members and why they are, fields, and the health of an installation.
//
// Every page is whole without script; one module, written by hand, only fetches a part again once an event names it. A page needs
// nothing but this server, and works under a policy that forbids anything else. Whatever anybody has called a customer, a field
// or a segment is shown as text. What a form changes it changes by an expand request, like everybody else; putting back dead
// letters is the one exception.
//
// It computes nothing about customers: facts come from Facts, in the words of package terminal. It knows no Kafka, no Redis and
// no tokens.
package page
