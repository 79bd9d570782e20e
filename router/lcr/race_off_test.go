//go:build !race

package lcr

const raceEnabled = false
