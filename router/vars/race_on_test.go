//go:build race

package vars

// raceEnabled: sync.Pool drops at random then, so nothing is alloc-free.
const raceEnabled = true
