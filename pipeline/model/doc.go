// Package model is a trained model as a plain value: what the models topic carries, and all arithmetic that follows
// from it. It makes whole-number sums, scores in ten-thousandths, bands, the decision who is a member, and the reasons
// for a score.
//
// It promises that everything is exact: weights are whole numbers, so a sum is the same in any order, on any machine,
// in every shard, and a score follows from the sum by thresholds that the model brings along.
//
// It refuses to know how weights are found, where rows are kept, and what was published.
package model
