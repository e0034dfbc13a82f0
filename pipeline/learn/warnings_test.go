package learn_test

import (
	"slices"
	"strings"
	"testing"

	"kindred/pipeline/testkit"
	"kindred/schemas"
)

func TestASmallSourceADeadPolicyAndALongNameAreWarnedOf(t *testing.T) {
	customers := testkit.Town(600)
	customers[7].Long, customers[7].City = true, "Oslo"
	learned, err := learned(t, cached(t, customers, 2), 2, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	for _, w := range learned.Report.Warnings {
		codes[w.Code]++
	}
	if codes["small_source"] != 1 || codes["long_name"] != 1 {
		t.Errorf("warned of %v with %d source members", codes, learned.Report.Counts.SourceWithProfile)
	}
}

func TestWhatComesOfAConverterIsWarnedOf(t *testing.T) {
	customers := testkit.Town(600)
	customers[7].Odd, customers[7].Refuses = true, false
	customers[8].ID, customers[9].ID = `"c-8"`, `{"customerId":"c-9"}`
	learned, err := learned(t, cached(t, customers, 2), 2, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string][2]string{
		"unknown_property": {"profiles have properties that mean nothing and are ignored: field", "did you mean fields by field?"},
		"json_keys": {"the ids of 2 customers are JSON, such as an id in quotes: segments hardly name them so",
			"have the keys of profiles written as plain text (in Kafka Connect by org.apache.kafka.connect.storage.StringConverter)"},
	} {
		i := slices.IndexFunc(learned.Report.Warnings, func(w schemas.Warning) bool { return w.Code == code })
		if i < 0 || learned.Report.Warnings[i].Message != want[0] || learned.Report.Warnings[i].Hint != want[1] {
			t.Errorf("%s: %+v", code, learned.Report.Warnings)
		}
	}
}

// A list whose ids are written otherwise than those of the profiles is told of; members who refuse to be profiled are not.
func TestASourceWithoutProfilesIsWarnedOf(t *testing.T) {
	warned := func(wrong int) string {
		customers := testkit.Town(2000)
		for i := range customers {
			if customers[i].In("vip") && wrong > 0 {
				customers[i].Segments = nil
				customers = append(customers, testkit.Customer{ID: customers[i].ID + " ", Segments: []string{"vip"}, Unknown: true})
				wrong--
			} else if customers[i].In("vip") && i%3 == 0 {
				customers[i].Refuses = true
			}
		}
		result, err := learned(t, cached(t, customers, 2), 2, lesson(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range result.Report.Warnings {
			if w.Code == "source_without_profile" {
				return w.Message
			}
		}
		return ""
	}
	if got := warned(5); got != "" {
		t.Errorf("of 5 it warns: %s", got)
	}
	if got := warned(60); !strings.HasPrefix(got, "60 of 192 members of segment vip have no profile") {
		t.Errorf("of 60 it warns: %q", got)
	}
}
