package selection

import (
	"math/big"
	"strconv"

	"kindred/pipeline/model"
)

// Rule decides how many are included.
type Rule struct {
	Floor             int     // lowest score that counts as similar, in ten-thousandths
	Share             float64 // (0,1]; not used when Count is given
	Count             int64   // absolute; 0: by Share
	ShareOfCandidates bool    // see Preset
}

// size returns the number of members. A share of the similar is at least one of them.
func (r Rule) size(candidates, similar int64) int64 {
	switch {
	case similar == 0:
		return 0
	case r.Count > 0:
		return min(r.Count, similar)
	case r.ShareOfCandidates:
		return min(similar, shareOf(r.Share, candidates))
	}
	return max(1, min(similar, shareOf(r.Share, similar)))
}

// Floor returns the least score that is not below a floor of 0..1, exactly as the floor is written in decimals.
func Floor(floor float64) int {
	exact := new(big.Rat).Mul(decimal(floor), big.NewRat(model.Best, 1))
	up := new(big.Int).Add(exact.Num(), new(big.Int).Sub(exact.Denom(), big.NewInt(1)))
	return int(up.Div(up, exact.Denom()).Int64())
}

// shareOf returns floor(share x n), exactly as the share is written in decimals: 0.29 of 100 is 29, which it is not in
// binary fractions.
func shareOf(share float64, n int64) int64 {
	exact := new(big.Rat).Mul(decimal(share), new(big.Rat).SetInt64(n))
	return new(big.Int).Div(exact.Num(), exact.Denom()).Int64()
}

// decimal returns a number exactly as it is written in decimals.
func decimal(f float64) *big.Rat {
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		return new(big.Rat) // not a number: nothing
	}
	return exact
}
