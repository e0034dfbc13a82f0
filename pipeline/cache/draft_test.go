package cache_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/format"

	"pgregory.net/rapid"
)

// table is what a load says of each customer: fields as JSON without the braces.
type table func(customer int) string

// mistaken has 300 columns, and right those that should have been loaded.
func mistaken(customer int) string { return flags[customer%2] }

var flags = func() (rows [2]string) {
	for odd := range rows {
		var fields []string
		for f := range 300 {
			fields = append(fields, fmt.Sprintf(`"bought_%d":%q`, f, string("yn"[(odd+f)%2])))
		}
		rows[odd] = strings.Join(fields, ",")
	}
	return rows
}()

func right(customer int) string {
	fields := fmt.Sprintf(`"City":"city %d","Age":%d`, customer%4, customer%50)
	if customer%7 == 3 { // not from the start
		fields += `,"Plan":"gold"`
	}
	return fields
}

// names has as many values as customers.
func names(customer int) string {
	return fmt.Sprintf(`"City":"of %d alone","Age":%d`, customer, 1_000_000+customer)
}

func (o *owner) load(rows table, customers ...int) {
	for _, c := range customers {
		o.set(strconv.Itoa(c), "{"+rows(c)+"}")
	}
}

func everyone(n int) (all []int) {
	for c := range n {
		all = append(all, c)
	}
	return all
}

// keeps demands that fields are kept, for every customer as a table says.
func keeps(t *testing.T, fields []format.Field, row func(customer int) []byte, customers int, rows table) {
	t.Helper()
	for c := range customers {
		for _, pair := range strings.Split(rows(c), ",") {
			name, want, _ := strings.Cut(pair, ":")
			name, _ = strconv.Unquote(name)
			if got := has(fields, row(c), name); got != want {
				t.Fatalf("customer %d has %s %q, want %s", c, name, got, want)
			}
		}
	}
	for _, f := range fields {
		if f.Overflow && f.Name != "Mail" {
			t.Fatalf("%s has too many values", f.Name)
		}
	}
}

// A table of 300 columns was loaded by mistake. The right one over it has its places at its last row.
func TestPlacesAreFreeOnceNobodyNeedsThem(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	const customers = 600
	o.load(mistaken, everyone(customers)...)
	o.save()
	if len(o.Unkept().Beyond) != 300-256 {
		t.Fatalf("%d fields have no place", len(o.Unkept().Beyond))
	}
	o.load(right, everyone(customers-1)...)
	o.save()
	if v := scan(t, s, cache.Want{}); !slices.Contains(v.Unkept.Beyond, "City") || has(v.Fields, v.Row(0), "City") != "" {
		t.Fatal("City has a place, though one customer has all others")
	}
	forms := o.Forms()
	o.load(right, customers-1)
	if o.Forms() == forms {
		t.Fatal("nobody is told that other rows mean something else")
	}
	o.save()
	keeps(t, o.Fields(), func(c int) []byte { return o.Row(o.row(strconv.Itoa(c))) }, customers, right)
	v := scan(t, s, cache.Want{})
	keeps(t, v.Fields, v.Row, customers, right)
	for _, name := range []string{"City", "Age", "Plan"} {
		if slices.Contains(v.Unkept.Beyond, name) {
			t.Errorf("%s has a place, and is said to have none", name)
		}
	}
	o = takeOver(t, s)
	o.set("0", `{"City":"Oslo","New":"x"}`)
	if got := has(o.Fields(), o.Row(o.row("0")), "New"); got != `"x"` {
		t.Errorf("a new field is %q: everything has a place by now", got)
	}
}

// What the owner before knew of fields without a place is lost with it. They have their places after another load.
func TestPlacesAreFoundAfterATakeOver(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	const customers = 50
	o.load(mistaken, everyone(customers)...)
	o.load(right, everyone(customers-1)...)
	o.save()
	o = takeOver(t, s)
	o.load(right, customers-1)
	if f := o.Fields(); has(f, o.Row(o.row("49")), "City") != "" {
		t.Fatal("City has a place, and nobody knows what the others have there")
	}
	o.load(right, everyone(customers)...)
	o.save()
	v := scan(t, s, cache.Want{})
	keeps(t, v.Fields, v.Row, customers, right)
	if len(v.Unkept.Beyond) != 0 {
		t.Errorf("still without a place: %v", v.Unkept.Beyond)
	}
}

// A field that had too many values is as good as any once everybody was loaded again with few, and not before. Meanwhile
// none of its values gets into Redis.
func TestAFieldWithFewValuesAgainIsKept(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	const customers = 700
	o.load(names, everyone(customers)...)
	o.save()
	o = takeOver(t, s) // so that nothing is known of who was loaded last
	o.load(right, everyone(customers-1)...)
	o.save()
	if leaves(t, s, "alone") || leaves(t, s, "city ") {
		t.Fatal("Redis has a value of a field with too many")
	}
	if f := o.Fields()[0]; !f.Overflow {
		t.Fatal("one customer has a value that nobody knows")
	}
	o.EraseProfile(o.row(strconv.Itoa(customers - 1)))
	o.save()
	keeps(t, o.Fields(), func(c int) []byte { return o.Row(o.row(strconv.Itoa(c))) }, customers-1, right)
	v := scan(t, s, cache.Want{})
	keeps(t, v.Fields, v.Row, customers-1, right)
	o = takeOver(t, s)
	keeps(t, o.Fields(), o.Row, customers-1, right)
	o.load(names, everyone(customers)...)
	if !o.Fields()[0].Overflow || o.Counts(0)[255] != customers {
		t.Error("it cannot have too many values again")
	}
	o.save()
	if leaves(t, s, "city ") || leaves(t, s, "alone") {
		t.Error("Redis has a value of a field with too many")
	}
}

// Names are as many as customers, for ever. That costs no memory, and no row is stored for it.
func TestAFieldOfNamesCostsNoAllocations(t *testing.T) {
	o := mirror(t)
	const customers = 3000
	profiles := make([]string, customers)
	o.load(names, everyone(customers)...)
	for c := range profiles {
		profiles[c] = "{" + names(c) + "}"
	}
	one := decoded(t, `{"fields":`+profiles[7]+"}")
	row := o.row("7")
	if n := testing.AllocsPerRun(3000, func() { o.SetProfile(row, one) }); n > 0 {
		t.Errorf("%g allocations", n)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3 * customers {
		if c := random.IntN(customers); o.set(strconv.Itoa(c), profiles[c]) {
			t.Fatal("a profile that is as it was has changed")
		}
	}
}

// Whatever is loaded in whatever order, by however many owners: a field that counts as kept holds what each customer has,
// and what is right is kept at last.
func TestAKeptFieldHoldsWhatEverybodyHas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newStore(t)
		o := own(t, s)
		customers := rapid.SampledFrom([]int{2, 2, 5, 5, 5, 260}).Draw(rt, "customers")
		now := make([]string, customers) // "" is no profile
		compare := func(fields []format.Field, unkept cache.Unkept, row func(c int) []byte) {
			for c, text := range now {
				want := map[string]string{}
				if text != "" {
					for _, pair := range strings.Split(text, ",") {
						name, value, _ := strings.Cut(pair, ":")
						name, _ = strconv.Unquote(name)
						want[name] = value
					}
				}
				bytes := row(c)
				placed := map[string]bool{}
				for _, f := range fields {
					placed[f.Name] = true
					if got := has(fields, bytes, f.Name); !f.Overflow && got != want[f.Name] {
						rt.Fatalf("customer %d has %s %q, want %q", c, f.Name, got, want[f.Name])
					}
					if f.Number >= 0 && numberIn(f, bytes) != number(want[f.Name]) {
						rt.Fatalf("customer %d has another number in %s than %q", c, f.Name, want[f.Name])
					}
				}
				for name := range want {
					if !placed[name] && !unkept.More && !slices.Contains(unkept.Beyond, name) {
						rt.Fatalf("nobody says that %s has no place", name)
					}
				}
			}
		}
		check := func() {
			compare(o.Fields(), o.Unkept(), func(c int) []byte {
				if row, known := o.Find([]byte(strconv.Itoa(c))); known {
					return o.Row(row)
				}
				return make([]byte, o.Width())
			})
		}
		tables := map[string]table{"wide": mistaken, "right": right, "names": names, "more": func(c int) string {
			return strings.ReplaceAll(mistaken(c), "bought", "sold"+strconv.Itoa(c%2))
		}}
		saved := slices.Clone(now)
		rt.Repeat(map[string]func(*rapid.T){
			"load": func(rt *rapid.T) {
				rows := tables[rapid.SampledFrom([]string{"wide", "right", "right", "names", "more"}).Draw(rt, "table")]
				first, step := rapid.IntRange(0, customers-1).Draw(rt, "first"), rapid.SampledFrom([]int{1, 1, 3}).Draw(rt, "step")
				for i := 0; i < customers; i += step {
					c := (first + i) % customers
					o.load(rows, c)
					now[c] = rows(c)
				}
			},
			"erase": func(rt *rapid.T) {
				c := rapid.IntRange(0, customers-1).Draw(rt, "customer")
				if row, known := o.Find([]byte(strconv.Itoa(c))); known {
					o.EraseProfile(row)
					now[c] = ""
				}
			},
			"save": func(rt *rapid.T) {
				check()
				o.save()
				saved = slices.Clone(now)
				v := scan(t, s, cache.Want{})
				compare(v.Fields, v.Unkept, func(c int) []byte {
					if row, known := o.Find([]byte(strconv.Itoa(c))); known {
						return v.Row(row)
					}
					return make([]byte, v.Width)
				})
			},
			"crash": func(rt *rapid.T) {
				o.save()
				saved = slices.Clone(now)
				o.load(mistaken, 0)
				o = takeOver(t, s)
				now = slices.Clone(saved)
				check()
			},
		})
		for range 2 {
			o.load(right, everyone(customers)...)
			for c := range now {
				now[c] = right(c)
			}
		}
		check()
		for _, name := range []string{"City", "Age"} {
			if got := has(o.Fields(), o.Row(o.row("0")), name); got == "" || len(o.Unkept().Beyond) > 0 {
				rt.Fatalf("%s is %q, without a place are %v", name, got, o.Unkept().Beyond)
			}
		}
	})
}
