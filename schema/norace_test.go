//go:build !race

package schema_test

const racing = false
