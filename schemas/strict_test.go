package schemas_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"kindred/schemas"
)

// code is the code of an error, "" for none.
func code(t *testing.T, err error) string {
	t.Helper()
	var m *schemas.Malformed
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &m):
		t.Fatalf("%v is a %T, not a *Malformed", err, err)
	}
	return m.Code
}

func TestCheckRefusesWhatIsNotStrict(t *testing.T) {
	check := func(value, want string) {
		t.Helper()
		if got := code(t, schemas.Check([]byte(value))); got != want {
			t.Errorf("%.60q: %q, want %q", value, got, want)
		}
	}
	check(`{"a":[1,"x",true,false,null,{"b":{}}]}`, "")
	check(" \n\t\r[ ] ", "")
	check(``, "not_json")
	check(` `, "not_json")
	check(`{} x`, "not_json")
	check(`{}{}`, "not_json")
	check("{}\x00", "not_json")
	check("\ufeff{}", "not_json")
	check(`{"a":1,}`, "not_json")
	check(`[1,]`, "not_json")
	check(`[1 2]`, "not_json")
	check(`{,}`, "not_json")
	check(`{"a"}`, "not_json")
	check(`{a:1}`, "not_json")
	check(`[`, "not_json")
	check(`[}`, "not_json")
	check(`"abc`, "not_json")
	check("\"a\tb\"", "not_json")
	check(`nul`, "not_json")
	check(`nulL`, "not_json")
	check(`truefalse`, "not_json")

	check(`{"a":1,"a":1}`, "schema")
	check(`{"a":1,"\u0061":1}`, "schema")
	check(`{"a":{"b":1,"c":{"b":1}},"b":[{"a":1},{"a":1}]}`, "")
	check(`{"a":{"b":1},"c":[1,2],"a":1}`, "schema")
	check(`{"a":1,"A":1}`, "")

	check(strings.Repeat("[", 8)+strings.Repeat("]", 8), "")
	check(strings.Repeat("[", 9)+strings.Repeat("]", 9), "schema")
	check(strings.Repeat(`{"a":`, 9)+"1"+strings.Repeat("}", 9), "schema")
	check(`[`+strings.Repeat(`[[]],`, 20)+`1]`, "")

	check(strings.Repeat("1", 40), "")
	check(strings.Repeat("1", 41), "schema")
	check("0."+strings.Repeat("1", 40), "schema")
	check("1e"+strings.Repeat("0", 39), "")
	check("1e"+strings.Repeat("0", 40), "schema")
	check(`1e308`, "")
	check(`1e309`, "schema")
	check(`-1e10000000`, "schema")
	check(`1e-400`, "")
	for _, n := range []string{"01", "-", "+1", ".5", "1.", "1e", "1e+", "--1", "0x1", "NaN", "Infinity", "1.e5", "-01"} {
		check(n, "not_json")
	}

	check("\"\xff\"", "bad_utf8")
	check("\"\xc0\x80\"", "bad_utf8")
	check("\"\xed\xa0\x80\"", "bad_utf8")
	check("\"abcdefgh\xff\"", "bad_utf8")
	check("\"\\n\xff\"", "bad_utf8")
	check("{\"\xff\":1}", "bad_utf8")
	check("\"æøå 😀 \ufffd\"", "")
	check(`"\ud83d\ude00"`, "")
	check(`"\ud83d"`, "bad_utf8")
	check(`"\ude00\ud83d"`, "bad_utf8")
	check(`"\ud83d\u0041"`, "bad_utf8")
	check(`"\ud83dx"`, "bad_utf8")
	check(`"\ud83`, "not_json")
	check(`"\u00g0"`, "not_json")
	check(`"\x"`, "not_json")
	check(`"\`, "not_json")

	check(`"`+strings.Repeat("x", 1<<20-2)+`"`, "")
	check(`"`+strings.Repeat("x", 1<<20-1)+`"`, "too_large")
}

// A mistake's message goes to logs and dead letters, where nothing personal may go.
func TestMessagesHoldNoValues(t *testing.T) {
	secret := "s3cret"
	for _, value := range []string{
		`{"customerId":"s3cret\u0001"}`, `{"customerId":"s3cret","customerId":"s3cret"}`, `{"fields":"s3cret"}`,
		`{"s3cret":1,"s3cret":2}`, `{"fields":{"s3cret":1,"s3cret":"s3cret"}}`, `{"profiling":"s3cret"}`, `s3cret`, `"s3cret"`,
	} {
		var p schemas.Profile
		if err := p.Decode([]byte(value)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", value, err)
		}
	}
	var run schemas.Run
	for _, value := range []string{`{"epoch":"s3cret"}`, `{"startedAt":"s3cret"}`, `{"epoch":77777.5}`} {
		err := run.Decode(nil, []byte(value))
		if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "77777") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// acceptable says by other means, mostly encoding/json, whether a value is strict JSON.
func acceptable(value []byte) bool {
	return len(value) <= 1<<20 && json.Valid(value) && utf8.Valid(value) && paired(value) && distinct(value) && plain(value)
}

var escapes = regexp.MustCompile(`\\(?:u([0-9a-fA-F]{4})|.)`)

// paired says whether every escaped surrogate of a valid JSON text is one of a pair.
func paired(value []byte) bool {
	high := -1 // where the low half must begin
	for _, m := range escapes.FindAllSubmatchIndex(value, -1) {
		low := high == m[0]
		switch {
		case m[2] < 0:
			if high >= 0 {
				return false
			}
			continue
		case high >= 0 && !low:
			return false
		}
		unit, _ := strconv.ParseUint(string(value[m[2]:m[3]]), 16, 32)
		switch {
		case unit >= 0xd800 && unit < 0xdc00:
			if low {
				return false
			}
			high = m[1]
		case unit >= 0xdc00 && unit < 0xe000:
			if !low {
				return false
			}
			high = -1
		case low:
			return false
		}
	}
	return high < 0
}

// distinct says whether no object has a name twice and nothing is nested too deep.
func distinct(value []byte) bool {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var walk func(depth int) bool
	walk = func(depth int) bool {
		token, _ := d.Token()
		open, ok := token.(json.Delim)
		if !ok {
			return true
		}
		if depth == 8 {
			return false
		}
		seen := map[string]bool{}
		for d.More() {
			if open == '{' {
				name, _ := d.Token()
				if seen[name.(string)] {
					return false
				}
				seen[name.(string)] = true
			}
			if !walk(depth + 1) {
				return false
			}
		}
		_, _ = d.Token()
		return true
	}
	return walk(0)
}

// plain says whether every number has at most 40 digits and a float64.
func plain(value []byte) bool {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return true
		}
		n, ok := token.(json.Number)
		if !ok {
			continue
		}
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, n.String())
		if f, err := n.Float64(); len(digits) > 40 || err != nil || math.IsInf(f, 0) {
			return false
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range strictSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if got, want := schemas.Check(value) == nil, acceptable(value); got != want {
			t.Errorf("%q: accepted %v, want %v (%v)", value, got, want, schemas.Check(value))
		}
	})
}

var strictSeeds = []string{
	`{"customerId":"c-17","fields":{"Gender":"F","City":"Oslo","Age":41,"Member":true},"profiling":true}`,
	`{"customerId":"c\u002d17","fields":{"a":1e3,"b":-0.0,"c":null,"d":[1,{"e":{}}],"æ":"\ud83d\ude00"},"profiling":false}`,
	`{"fields":{"a":12345678901234567890.5,"a":1}}`,
	`{"fields":{"a":"\ud83d"}}`, "{\"fields\":{\"a\":\"\xff\"}}",
	`[[[[[[[[1]]]]]]]]`, `[[[[[[[[[1]]]]]]]]]`, `1e400`, `1e-400`, `{"a":1}x`, `{"A":1,"a":2}`,
	`{"fields":{"abcdefgh":"abcdefgh\n","ij":""},"x":[true,false,null]}`,
}
