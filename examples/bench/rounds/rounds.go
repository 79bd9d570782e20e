// Package rounds tells what came of measuring the same again and again. Its one law: one round in
// which the machine was busy with something else decides nothing.
package rounds

import "slices"

// Median is the value in the middle, or between the two there; there is one value at least.
func Median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
