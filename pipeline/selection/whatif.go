package selection

import (
	"kindred/pipeline/model"
	"kindred/schemas"
)

// WhatIf returns how many of those similar enough would be members by this rule, and about which score the last of them would
// have, with inputs as they were at a run: of its report, and the floor that it had. Nothing is fitted or scored: the reach curve
// tells a score to a hundredth, and so it does who is above another floor. Without members the score is 1.
func (r Rule) WhatIf(report *schemas.Report, floor int) (members, similar int64, lowest float64) {
	similar = report.Counts.Similar
	if r.Floor != floor {
		similar = above(report.Reach, r.Floor)
	}
	members = r.size(report.Counts.Candidates, similar)
	if members == 0 || len(report.Reach) == 0 {
		return members, similar, 1
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
	return members, similar, max(lowest/float64(last), float64(r.Floor)/model.Best)
}

// above returns about how many candidates are at or above a score: exactly at each point of the curve, else straight between two.
func above(reach []int64, score int) int64 {
	if len(reach) < 2 {
		return 0
	}
	step := model.Best / (len(reach) - 1)
	at := min(score/step, len(reach)-1)
	if beyond := int64(score % step); beyond > 0 && at+1 < len(reach) {
		return reach[at] - (reach[at]-reach[at+1])*beyond/int64(step)
	}
	return reach[at]
}
