//go:build !linux

package udp

// This system tells nothing of datagrams that could not be delivered: such requests end by
// their timers.

func reportErrors(int, bool) {}

func isReport(error) bool { return false }

func drainErrors(int, func(b []byte, err error)) {}
