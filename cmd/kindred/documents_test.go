package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kindred/schemas"
)

// document reads a file of the repository.
func document(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheRowThatConnectWritesIsAProfile keeps docs/connect.md one that kindred can read.
func TestTheRowThatConnectWritesIsAProfile(t *testing.T) {
	_, row, _ := strings.Cut(document(t, "docs/connect.md"), "\n    c-17 ")
	row, _, _ = strings.Cut(row, "\n")
	profile := schemas.Profile{Flat: true}
	if err := profile.Decode([]byte(row)); err != nil || len(profile.Fields) != 4 || !profile.Profiling {
		t.Errorf("docs/connect.md: %d fields and consent %v of %s (%v)", len(profile.Fields), profile.Profiling, row, err)
	}
}

// TestDashboardAndAlertsUseMetricsThatExist also keeps the dashboard one that can be read, and every alert one that the runbook
// knows.
func TestDashboardAndAlertsUseMetricsThatExist(t *testing.T) {
	there := map[string]bool{}
	for _, text := range textsInGo(t) {
		for _, name := range metric.FindAllString(text, -1) {
			there[name] = true
		}
	}
	rules := document(t, "docs/alerts.yml")
	for where, text := range map[string]string{
		"docs/alerts.yml": rules, "docs/alerts_test.yml": document(t, "docs/alerts_test.yml"),
		"docs/grafana-dashboard.json": document(t, "docs/grafana-dashboard.json"), "docs/operations.md": document(t, "docs/operations.md"),
	} {
		for _, name := range metric.FindAllString(text, -1) {
			if !there[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("%s uses %s, which no process has", where, name)
			}
		}
	}
	runbook := document(t, "docs/operations.md")
	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(rules, -1)
	for _, alert := range alerts {
		if !strings.Contains(runbook, "\n### "+alert[1]+"\n") {
			t.Errorf("docs/operations.md does not say what to do about %s", alert[1])
		}
		if !strings.Contains(rules, "runbook: docs/operations.md#"+strings.ToLower(alert[1])+"\n") {
			t.Errorf("%s does not name its runbook", alert[1])
		}
		if !strings.Contains(document(t, "docs/alerts_test.yml"), "alertname: "+alert[1]+"\n") {
			t.Errorf("docs/alerts_test.yml does not raise %s", alert[1])
		}
	}
	if len(alerts) == 0 || len(expressions(t)) == 0 {
		t.Error("there are no alerts, or no panels")
	}
}

var metric = regexp.MustCompile(`\bkindred_[a-z]+_[a-z_]*[a-z]\b`)

// expressions are what the panels of the dashboard ask for.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(document(t, "docs/grafana-dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("the panel %q asks for nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			all = append(all, strings.NewReplacer("$__rate_interval", "5m", "$job", "kindred", "$instance", ".*").Replace(target.Expr))
		}
	}
	return all
}

// TestPrometheusAcceptsTheRules asks promtool, where there is one (Debian's package prometheus), also about the expressions of
// the dashboard.
func TestPrometheusAcceptsTheRules(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool")
	}
	check := func(arguments ...string) {
		t.Helper()
		command := exec.Command(promtool, arguments...)
		command.Dir = filepath.Join(module, "docs")
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", arguments, err, out)
		}
	}
	check("check", "rules", "alerts.yml")
	check("test", "rules", "alerts_test.yml")
	var rules bytes.Buffer
	rules.WriteString("groups:\n- name: panels\n  rules:\n")
	for i, expression := range expressions(t) {
		fmt.Fprintf(&rules, "  - {record: panel_%d, expr: %q}\n", i, expression)
	}
	path := filepath.Join(t.TempDir(), "panels.yml")
	if err := os.WriteFile(path, rules.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	check("check", "rules", path)
}

// TestTheUnitIsOne asks systemd, where it is.
func TestTheUnitIsOne(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	self, err := os.Executable() // the program that the unit names has to be there
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kindred.service")
	unit := strings.Replace(document(t, "docs/kindred.service"), "/usr/local/bin/kindred", self, 1)
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", path).CombinedOutput(); err != nil || strings.Contains(string(out), path) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestTheNoticeNamesWhatIsLinked: whoever passes the program on has to pass on the licences of all modules in it.
func TestTheNoticeNamesWhatIsLinked(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", ".")
	out, err := list.Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	notice := document(t, "NOTICE")
	linked := map[string]bool{}
	for _, path := range strings.Fields(string(out)) {
		linked[path] = true
	}
	for path := range linked {
		if !strings.Contains(notice, path+"\n") {
			t.Errorf("NOTICE does not name %s", path)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^    ([a-z.]+\.[a-z]+/\S+)$`).FindAllStringSubmatch(notice, -1) {
		if !linked[line[1]] {
			t.Errorf("NOTICE names %s, which is not linked", line[1])
		}
	}
	if len(linked) < 20 {
		t.Errorf("only %d modules are linked", len(linked))
	}
}
