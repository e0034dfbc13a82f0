package schemas

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// unknownProperty is a property that an event does not have.
type unknownProperty struct {
	name  string   // as people see it; it may be empty
	known []string // those that it could have been; nil: no unknown property was met
}

const longestShown = 40 // bytes of its name

// properties reads an object and yields the names of its members, so that each one's value can be read. A member that is null is
// as if it were not there. One that is not known is skipped, and the first of them noted. within is where the object lies in the
// event; empty: it is the event.
func (s *scanner) properties(within string, known ...string) iter.Seq[string] {
	return func(yield func(string) bool) {
		s.open('{')
		for s.more('}') {
			name := string(s.newName())
			switch {
			case !slices.Contains(known, name):
				if s.unknown.known == nil {
					s.unknown = unknownProperty{path(within, Shorten(name, longestShown)), paths(within, known)}
				}
				s.skip()
			case !s.null():
				if !yield(name) {
					return
				}
			}
		}
	}
}

// endKnown is end, and demands that all properties were known.
func (s *scanner) endKnown() error {
	if err := s.end(); err != nil || s.unknown.known == nil {
		return err
	}
	return malformed(WrongSchema, "%s: %s", s.unknown.message(), s.unknown.hint())
}

func (u *unknownProperty) message() string {
	return fmt.Sprintf("this event has no property %q", u.name)
}

func (u *unknownProperty) hint() string {
	if near := Near(u.name, u.known); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "there are " + strings.Join(u.known, ", ")
}

func path(within, name string) string {
	if within == "" {
		return name
	}
	return within + "." + name
}

func paths(within string, names []string) (all []string) {
	for _, name := range names {
		all = append(all, path(within, name))
	}
	return all
}

// Near returns the name that somebody who wrote another one has most likely meant; empty: none is near it.
func Near(name string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		a, b := strings.ToLower(name), strings.ToLower(n)
		d := distance(a, b)
		if d > 1 && len(a) > 2 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) {
			d = 1
		}
		if d < least && d < len(a) {
			best, least = n, d
		}
	}
	return best
}

// distance is how many bytes must be put in, taken out or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0]++
		for j := range len(b) {
			d := before
			if a[i] != b[j] {
				d = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
