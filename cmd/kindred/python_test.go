package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kindred/pipeline/oracle"
	"kindred/schemas"
)

// TestThePythonOfTheDocsRuns runs the programs of docs/python.md as they stand there, but for the address and the prefix. It needs a
// Python that has confluent_kafka: python3, or the one that KINDRED_TEST_PYTHON names.
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
	for _, found := range regexp.MustCompile("`(\\w+\\.py)`:\n\n((?:(?:    .*)?\n)+)").FindAllStringSubmatch(string(text), -1) {
		programs[found[1]] = regexp.MustCompile(`(?m)^    `).ReplaceAllString(found[2], "")
	}
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.settle()
		run := func(name string) string {
			t.Helper()
			program := strings.NewReplacer("127.0.0.1:9092", w.kafkaAddr, `"kindred.`, `"`+w.settings.Prefix).Replace(programs[name])
			said, err := exec.CommandContext(w.Ctx, python, "-c", program).Output()
			if err != nil || program == "" {
				t.Fatalf("%s: %v\n%s\n%s", name, err, said, program)
			}
			return string(said)
		}
		if said := run("expand.py"); !strings.Contains(said, "successful") || !strings.Contains(said, " members\n") {
			t.Errorf("expand.py says %s", said)
		}
		w.agree()
		run("profile.py")
		w.agree()
		want := map[string]bool{}
		for customer, place := range w.market.of("from-python") {
			want["from-python "+customer+" "+scoreText(place)] = true
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

// scoreText returns a score as Python prints it.
func scoreText(place oracle.Place) string {
	if place.Score%10_000 == 0 {
		return map[int]string{0: "0.0", 10_000: "1.0"}[place.Score]
	}
	return strings.TrimRight(inWords(place, true)[:6], "0")
}
