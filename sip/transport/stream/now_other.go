//go:build !unix

package stream

import (
	"errors"
	"net"
	"syscall"
)

// direct is how a connection is written without waiting: here none can be.
func direct(net.Conn) syscall.RawConn { return nil }

func writeNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
