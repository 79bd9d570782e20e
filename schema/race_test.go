//go:build race

package schema_test

// racing: the race detector makes the evaluator ten times slower.
const racing = true
