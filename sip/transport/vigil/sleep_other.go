//go:build !linux || portable

package vigil

// sleep is not possible without the scheduler's knowledge.
func sleep() bool { return false }
