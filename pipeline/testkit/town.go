package testkit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Customer is one made-up customer, as upstream knows it.
type Customer struct {
	ID       string
	City     string // empty: absent
	Age      int    // 0: absent
	Refuses  bool   // to be profiled
	Unknown  bool   // it has no profile
	Segments []string
	Long     bool // it has a field with a name that is too long to be kept
	Odd      bool // its profile has a property that means nothing
}

// Town makes n customers, the same for the same n, of whom those in Oslo, and older ones, are rather in the segment vip.
func Town(n int) []Customer {
	random := rand.New(rand.NewPCG(1, 2))
	cities := []string{"Oslo", "Bergen", "Trondheim", "Bodø", ""}
	all := make([]Customer, n)
	for i := range all {
		c := Customer{ID: "c-" + strconv.Itoa(i), City: cities[random.IntN(len(cities))], Refuses: random.IntN(20) == 0}
		if random.IntN(10) > 0 {
			c.Age = 18 + random.IntN(60)
		}
		chance := 0.02
		if c.City == "Oslo" {
			chance += 0.2
		}
		if c.Age > 50 {
			chance += 0.1
		}
		if random.Float64() < chance {
			c.Segments = append(c.Segments, "vip")
		}
		if random.IntN(2) == 0 {
			c.Segments = append(c.Segments, "newsletter")
		}
		if random.IntN(10) == 0 {
			c.Segments = append(c.Segments, "employees")
		}
		all[i] = c
	}
	return all
}

// JSON returns the customer's profile event.
func (c Customer) JSON() string {
	fields := ""
	if c.City != "" {
		fields = fmt.Sprintf(`"City":%q`, c.City)
	}
	if c.Age > 0 {
		if fields != "" {
			fields += ","
		}
		fields += fmt.Sprintf(`"Age":%d`, c.Age)
	}
	if c.Long {
		fields = fmt.Sprintf("%q:1", strings.Repeat("long", 100)) + "," + fields
	}
	odd := ""
	if c.Odd {
		odd = `"field":{"Height":180},`
	}
	return fmt.Sprintf(`{"customerId":%q,"fields":{%s},%s"profiling":%v}`, c.ID, fields, odd, !c.Refuses)
}

// In reports whether the customer is in a segment.
func (c Customer) In(segment string) bool { return slices.Contains(c.Segments, segment) }
