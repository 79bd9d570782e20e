//go:build race

package lcr

// raceEnabled: sync.Pool drops at random then, so nothing is alloc-free.
const raceEnabled = true
