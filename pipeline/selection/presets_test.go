package selection_test

import (
	"strings"
	"testing"

	"kindred/pipeline/model"
	"kindred/pipeline/selection"
	"kindred/schemas"
)

const fine = `{"name":"fine","bounds":[0.3,0.55,0.9],"floor":0.45}`

func TestPresetsOfOnesOwnAreReadFromAFile(t *testing.T) {
	own, err := selection.ReadPresets([]byte(`[{"name":"top","bounds":[0.5,0.7,0.95],"floor":0.7,"shareOf":"candidates"},` + fine + `]`))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(own.Names(), " "); got != "seed 2020-05 fine top" {
		t.Errorf("there are %s", got)
	}
	if p, ok := own.Named("fine"); !ok || p.Bounds != (model.Bounds{3000, 5500, 9000}) || p.Floor != 0.45 || p.ShareOfCandidates {
		t.Errorf("fine is %+v", p)
	}
	again, err := selection.ReadPresets([]byte(own.Canonical()))
	if err != nil || again.Canonical() != own.Canonical() {
		t.Errorf("it writes %s, and reads %s (%v)", own.Canonical(), again.Canonical(), err)
	}
	if none, err := selection.ReadPresets([]byte(" [] ")); err != nil || none.Canonical() != "[]" || selection.Presets(nil).Canonical() != "[]" {
		t.Errorf("of none it writes %s (%v)", none.Canonical(), err)
	}
}

// What cannot be a preset is told with its name, and how it should be.
func TestAFileOfPresetsThatIsWrongSaysWhere(t *testing.T) {
	check := func(file string, words ...string) {
		t.Helper()
		_, err := selection.ReadPresets([]byte(file))
		if err == nil {
			t.Errorf("%s is taken", file)
			return
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v; want it to say %q", file, err, word)
			}
		}
	}
	check(`{"name":"fine"}`, "no JSON list")
	check(`[1]`, "no JSON list")
	check(``, "no JSON list")
	check(`[{"name":"a b","bounds":[0.1,0.2,0.3],"floor":0}]`, "preset 1", `"a b"`, "letters")
	check(`[{"bounds":[0.1,0.2,0.3],"floor":0}]`, "name")
	check(`[`+fine+`,`+fine+`]`, "preset 2", "another preset of that name")
	check(`[{"name":"seed","bounds":[0.1,0.2,0.3],"floor":0}]`, "another preset of that name")
	check(`[{"name":"x","bounds":[0.1,0.2],"floor":0}]`, "2 bounds", "needs 3")
	check(`[{"name":"x","bounds":[0.1,0.3,0.3],"floor":0}]`, "ascend", "0.3 is not above 0.3")
	check(`[{"name":"x","bounds":[0.1,0.3,0.30000000001],"floor":0}]`, "ascend")
	check(`[{"name":"x","bounds":[0.00000000001,0.2,0.3],"floor":0}]`, "is not between")
	check(`[{"name":"x","bounds":[0.2,0.1,0.3],"floor":0}]`, "ascend", "0.1 is not above 0.2")
	check(`[{"name":"x","bounds":[0,0.1,0.3],"floor":0}]`, "bound of 0 is not between")
	check(`[{"name":"x","bounds":[0.1,0.2,1],"floor":0}]`, "bound of 1 is not between")
	check(`[{"name":"x","bounds":[0.1,0.2,0.33333],"floor":0}]`, "four decimals")
	check(`[{"name":"x","bounds":[0.1,0.2,0.3]}]`, "needs a floor")
	check(`[{"name":"x","bounds":[0.1,0.2,0.3],"floor":1.1}]`, "floor of 1.1")
	check(`[{"name":"x","bounds":[0.1,0.2,0.3],"floor":0,"shareOf":"all"}]`, `"similar" or "candidates"`)
	check(`[{"name":"x","bound":[0.1,0.2,0.3],"floor":0}]`, "did you mean bounds?")
	check(`[{"name":"x","bounds":"0.1","floor":0}]`, "bounds has the wrong type")
}

// A definition carries what it takes from a preset of one's own, so that whoever has no file knows it as well.
func TestADefinitionCarriesItsPreset(t *testing.T) {
	own, err := selection.ReadPresets([]byte(`[{"name":"top","bounds":[0.5,0.7,0.95],"floor":0.7,"shareOf":"candidates"}]`))
	if err != nil {
		t.Fatal(err)
	}
	d := schemas.Definition{Preset: "top", Share: 0.1, Floor: 0.6}
	if !own.Settle(&d) {
		t.Fatal("it is not there")
	}
	if p := selection.PresetOf(&d); p.Bounds != (model.Bounds{5000, 7000, 9500}) || !p.ShareOfCandidates {
		t.Errorf("of %+v the preset is %+v", d, p)
	}
	if rule := ruleOf(&d); rule != (selection.Rule{Floor: 6000, Share: 0.1, ShareOfCandidates: true}) {
		t.Errorf("the rule is %+v", rule)
	}
	if selection.Presets(nil).Settle(&d) || d.Bounds != nil {
		t.Errorf("without a file it is there: %+v", d)
	}
	if none := new(schemas.Definition); !own.Settle(none) || none.Preset != "seed" {
		t.Errorf("a definition without a preset is settled as %+v", none)
	}
	d.Preset = "2020-05"
	if !own.Settle(&d) || d.Bounds != nil || d.ShareOfCandidates || selection.PresetOf(&d).Bounds != (model.Bounds{5500, 7000, 8500}) {
		t.Errorf("of a preset of every build it carries %+v", d)
	}
}
