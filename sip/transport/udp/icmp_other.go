//go:build !linux

package udp

import "net"

// This system tells nothing of datagrams that could not be delivered: such requests end by
// their timers.

func reportErrors(*net.UDPConn) {}

func isReport(error) bool { return false }

func drainErrors(*net.UDPConn, func(b []byte, err error)) {}
