package format

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// NoValue stands in words for having no value.
const NoValue = "no value"

// Words returns a value for people, from its canonical JSON text: a text without its quotes, a number with its thousands apart.
func Words(text string) string {
	if strings.HasPrefix(text, `"`) {
		var plain string
		if json.Unmarshal([]byte(text), &plain) == nil && plain != "" {
			return plain
		}
		return text
	}
	if number, is := Number(text); is {
		return digits(number)
	}
	return text
}

// Range returns in words the numbers from one, which is inside, to another, which is not: "2,016 to 2,019". The outer ends may be
// infinite. whole says that all numbers of the field are.
func Range(from, to float64, whole bool) string {
	last := "under " + digits(to)
	if whole {
		from, to = math.Ceil(from), math.Ceil(to)-1
		last = digits(to)
	}
	switch {
	case math.IsInf(from, -1) && math.IsInf(to, 1):
		return "any number"
	case math.IsInf(to, 1):
		return digits(from) + " and more"
	case math.IsInf(from, -1) && whole:
		return "up to " + last
	case math.IsInf(from, -1):
		return last
	case from == to:
		return last
	}
	return digits(from) + " to " + last
}

// digits writes a whole number with its thousands apart, any other by at most six digits that count.
func digits(number float64) string {
	if number != math.Trunc(number) {
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(number, 'g', 6, 64), 64)
		return strconv.FormatFloat(rounded, 'g', -1, 64)
	}
	if math.Abs(number) >= 1e15 {
		return strconv.FormatFloat(number, 'g', 6, 64)
	}
	text := strconv.FormatFloat(math.Abs(number), 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if number < 0 {
		text = "-" + text
	}
	return text
}
