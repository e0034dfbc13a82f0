package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kindred/schemas"
)

// TestThePythonOfTheDocsRuns runs the programs of docs/python.md as they stand there, but for the prefix. It needs a Python that
// has confluent_kafka: python3, or the one that KINDRED_TEST_PYTHON names.
func TestThePythonOfTheDocsRuns(t *testing.T) {
	python := os.Getenv("KINDRED_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if exec.Command(python, "-c", "import confluent_kafka").Run() != nil {
		t.Skip("there is no Python with confluent_kafka")
	}
	text, err := os.ReadFile(filepath.Join(module, "docs/python.md"))
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{}
	for _, found := range regexp.MustCompile("(?s)```python (\\w+\\.py)\n(.*?)\n```\n").FindAllStringSubmatch(string(text), -1) {
		programs[found[1]] = found[2]
	}
	everywhere(t, func(w *world) {
		w.serve()
		run := func(name string, arguments ...string) string {
			t.Helper()
			program := strings.ReplaceAll(programs[name], `"kindred.`, `"`+w.settings.Prefix)
			said, err := exec.CommandContext(w.Ctx, python, append([]string{"-c", program, w.kafkaAddr}, arguments...)...).Output()
			if err != nil || program == "" {
				t.Fatalf("%s: %v\n%s\n%s", name, err, said, program)
			}
			return string(said)
		}
		table, ids := customersOfTheDocs(t)
		if said := run("publish.py", table, ids); !regexp.MustCompile(`^[1-9]\d* members\n$`).MatchString(said) {
			t.Errorf("publish.py says %s", said)
		}
		w.agree()
		run("profile.py")
		w.agree()
		want := map[string]bool{}
		for customer, place := range w.market.of("vip-expansion") {
			want[fmt.Sprintf("vip-expansion/%s\t%.4f\t%s", customer, float64(place.Score)/10_000, schemas.BandNames[place.Band])] = true
		}
		got := map[string]bool{}
		for line := range strings.Lines(run("members.py")) {
			got[strings.TrimRight(line, "\n")] = true
		}
		if !maps.Equal(got, want) || len(want) == 0 {
			t.Errorf("members.py has %d members, want %d", len(got), len(want))
		}
		if n := w.end(schemas.DeadLetters); n != 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

// customersOfTheDocs writes a table of customers with the columns that the documents have, and the ids of the VIPs among them,
// most of whom have a long contract.
func customersOfTheDocs(t *testing.T) (table, ids string) {
	t.Helper()
	rows, vips := "customerId,gender,tenure,contract,monthly_charges\n", ""
	for n := range crowd {
		contract := []string{"Month-to-month", "One year", "Two year"}[n%3]
		rows += fmt.Sprintf("c-%d,%s,%d,%s,%d.5\n", n, []string{"F", "M"}[n%2], n%72, contract, 20+n%90)
		if contract == "Two year" && n%4 == 0 || n%50 == 0 {
			vips += fmt.Sprintf("c-%d\n", n)
		}
	}
	table, ids = filepath.Join(t.TempDir(), "customers.csv"), filepath.Join(t.TempDir(), "vips.txt")
	for path, text := range map[string]string{table: rows, ids: vips} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return table, ids
}
