package demo_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"kindred/cmd/internal/demo"
)

type profile struct {
	CustomerID string         `json:"customerId"`
	Fields     map[string]any `json:"fields"`
	Profiling  *bool          `json:"profiling"`
}

func read(t *testing.T, text []byte) profile {
	t.Helper()
	var p profile
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return p
}

func TestACustomerIsTheSameWhoeverAsks(t *testing.T) {
	customers := demo.Customers{Seed: 7}
	first := customers.AppendProfile(nil, 4711)
	customers.AppendProfile(nil, 1)
	if again := customers.AppendProfile([]byte("x"), 4711); string(again) != "x"+string(first) {
		t.Errorf("first %s\nthen %s", first, again)
	}
	if other := (demo.Customers{Seed: 8}).AppendProfile(nil, 4711); string(other) == string(first) {
		t.Error("another seed gives the same customer")
	}
}

func TestIDs(t *testing.T) {
	check := func(customer int, want string) {
		t.Helper()
		if got := string(demo.AppendID([]byte("k/"), customer)); got != "k/"+want {
			t.Errorf("%d: got %s, want k/%s", customer, got, want)
		}
	}
	check(0, "c-0000000")
	check(17, "c-0000017")
	check(9999999, "c-9999999")
	check(10000000, "c10000000")
	check(99999999, "c99999999")
	check(123456789, "c123456789")
}

func TestProfilesArePlausible(t *testing.T) {
	customers := demo.Customers{Seed: 1}
	declared := map[string]bool{}
	for _, field := range demo.Fields() {
		declared[field.Name] = true
	}
	distinct := map[string]map[any]int{}
	const n = 5000
	bytes := 0
	for i := range n {
		text := customers.AppendProfile(nil, i)
		bytes += len(text)
		p := read(t, text)
		if p.CustomerID != string(demo.AppendID(nil, i)) {
			t.Fatalf("customer %d has id %s", i, p.CustomerID)
		}
		for name, value := range p.Fields {
			if !declared[name] {
				t.Fatalf("field %s is not declared", name)
			}
			if distinct[name] == nil {
				distinct[name] = map[any]int{}
			}
			distinct[name][value]++
		}
	}
	if len(distinct) != len(declared) {
		t.Errorf("%d fields seen, %d declared", len(distinct), len(declared))
	}
	for _, name := range []string{"Gender", "TravelStyle", "Membership", "Region"} {
		for value, count := range distinct[name] {
			if count < n/100 {
				t.Errorf("%s = %v for %d of %d only", name, value, count, n)
			}
		}
	}
	if few := len(distinct["Nickname"]); few < 3000 {
		t.Errorf("only %d nicknames: they are there to be too many", few)
	}
	if size := bytes / n; size < 300 || size > 600 {
		t.Errorf("a profile has %d bytes", size)
	}
}

func TestVIPsAreFewAndSimilarButNotByARule(t *testing.T) {
	customers := demo.Customers{Seed: 1}
	const n = 40000
	vips := 0
	for i := range n {
		if customers.VIP(i) {
			vips++
		}
	}
	if share := float64(vips) / n; share < 0.02 || share > 0.05 {
		t.Errorf("%.1f %% are VIPs", share*100)
	}
	auc := naiveAUC(t, customers, n)
	t.Logf("naive Bayes has AUC %.3f, %d VIPs", auc, vips)
	if auc < 0.78 || auc > 0.92 {
		t.Errorf("naive Bayes over the categories has AUC %.3f: want something to find, and not too easily", auc)
	}
}

// naiveAUC learns from half of the customers by counting values, and measures on the other half.
func naiveAUC(t *testing.T, customers demo.Customers, n int) float64 {
	type key struct{ name, value string }
	counts := map[key]*[2]float64{}
	totals := [2]float64{}
	values := func(i int) (keys []key) {
		for name, value := range read(t, customers.AppendProfile(nil, i)).Fields {
			if text, ok := value.(string); ok && name != "Nickname" {
				keys = append(keys, key{name, text})
			}
		}
		return keys
	}
	side := func(i int) int {
		if customers.VIP(i) {
			return 1
		}
		return 0
	}
	for i := 0; i < n; i += 2 {
		totals[side(i)]++
		for _, k := range values(i) {
			if counts[k] == nil {
				counts[k] = &[2]float64{1, 1}
			}
			counts[k][side(i)]++
		}
	}
	var scores [2][]float64
	for i := 1; i < n; i += 2 {
		sum := 0.0
		for _, k := range values(i) {
			if c := counts[k]; c != nil {
				sum += math.Log(c[1]/totals[1]) - math.Log(c[0]/totals[0])
			}
		}
		scores[side(i)] = append(scores[side(i)], sum)
	}
	slices.Sort(scores[0])
	below := 0
	for _, score := range scores[1] {
		at, _ := slices.BinarySearch(scores[0], score)
		below += at
	}
	return float64(below) / float64(len(scores[0])*len(scores[1]))
}

func TestChangesMoveCustomersBothWays(t *testing.T) {
	customers := demo.Customers{Seed: 1}
	const count = 10000
	kinds := map[demo.Kind]int{}
	for n := range 200 {
		change := customers.Change(n, count)
		if change.Customer < 0 || change.Customer >= count {
			t.Fatalf("change %d concerns customer %d of %d", n, change.Customer, count)
		}
		kinds[change.Kind]++
		if again := customers.Change(n, count); again != change {
			t.Fatalf("change %d is %v, then %v", n, change, again)
		}
		p := read(t, customers.AppendChanged(nil, change))
		if withdrawn := p.Profiling != nil && !*p.Profiling; withdrawn != (change.Kind == demo.Withdraws) {
			t.Errorf("change %d of kind %d has profiling %v", n, change.Kind, p.Profiling)
		}
	}
	if kinds[demo.Warms] < 80 || kinds[demo.Cools] < 80 || kinds[demo.Withdraws] < 5 {
		t.Errorf("kinds of 200 changes: %v", kinds)
	}
}

func TestAProfileNeedsNoMemory(t *testing.T) {
	customers := demo.Customers{Seed: 1}
	buffer := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buffer = customers.AppendProfile(buffer[:0], 12345) }); n != 0 {
		t.Errorf("%v allocations a profile", n)
	}
}

func BenchmarkProfile(b *testing.B) {
	customers := demo.Customers{Seed: 1}
	buffer := make([]byte, 0, 4096)
	i := 0
	for b.Loop() {
		buffer = customers.AppendProfile(buffer[:0], i)
		i++
	}
	b.SetBytes(int64(len(buffer)))
}
