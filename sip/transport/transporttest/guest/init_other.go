//go:build !linux

package guest

// Init does nothing: there are no guests of this system.
func Init() {}

func inGuest() bool { return false }
