//go:build !race

package natping

const racing = false
