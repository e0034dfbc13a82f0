package selection

import (
	"kindred/pipeline/model"
	"kindred/schemas"
)

// WhatIf returns how many members another share or count would give, with inputs as they were at the run that was reported, and
// about which score the last of them would have: the reach curve tells it to a hundredth. Nothing is fitted or scored. Without
// members the score is 1.
func (r Rule) WhatIf(report *schemas.Report) (members int64, lowest float64) {
	members = r.size(report.Counts.Candidates, report.Counts.Similar)
	if members == 0 || len(report.Reach) == 0 {
		return members, 1
	}
	last := len(report.Reach) - 1 // stands for a score of 1
	at := last
	for at > 0 && report.Reach[at] < members {
		at--
	}
	lowest = float64(at)
	if at < last {
		lowest += float64(report.Reach[at]-members) / float64(max(1, report.Reach[at]-report.Reach[at+1]))
	}
	return members, max(lowest/float64(last), float64(r.Floor)/model.Best)
}
