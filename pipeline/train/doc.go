// Package train finds the weights of a classifier that sets the customers of a source segment apart from everybody else.
//
// It makes a sample that depends on the customers' ids alone, a logistic regression whose penalty is found by
// cross-validation, with crosses of fields where these are certain to help, and its quality on customers that the measured
// fit had not seen. Source and background count as if they were equally frequent: a sum of weights above zero means "more
// likely a source member than anyone".
//
// It promises the same bits for the same rows, in whatever order they come, and that nothing of a fit stays in memory.
//
// It is the only package that knows golearn, and so cgo; what it returns is plain numbers. What a level stands for it
// does not know.
package train
