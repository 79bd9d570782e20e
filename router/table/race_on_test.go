//go:build race

package table

// raceEnabled: sync.Pool drops at random then, so nothing is alloc-free.
const raceEnabled = true
