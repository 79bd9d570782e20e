//go:build !linux || portable

package poll

import (
	"errors"
	"net"
	"time"
)

// Works says that there are Sets in this build.
const Works = false

// Set is a set of sockets.
type Set struct{}

// New returns an empty Set; an error wraps errors.ErrUnsupported where there are none.
func New() (*Set, error) { return nil, errors.ErrUnsupported }

// Close ends the use of a Set in which nobody waits.
func (*Set) Close() error { return nil }

// Ring has Wait return.
func (*Set) Ring() {}

// Take has Wait tell of the connection by id, when there is something to read.
func (*Set) Take(*net.TCPConn, uint64) (Socket, error) { return 0, errors.ErrUnsupported }

// Change has a socket told of for something else.
func (*Set) Change(Socket, uint64, Readiness) error { return errors.ErrUnsupported }

// Wait returns the sockets that are ready.
func (*Set) Wait(time.Duration) []Event { return nil }

// Socket is the socket of a connection.
type Socket int

// Read reads what there is and fits.
func (Socket) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Write writes as much as there is room for.
func (Socket) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

// CloseWrite tells the peer that nothing more comes.
func (Socket) CloseWrite() error { return errors.ErrUnsupported }

// Close closes the connection.
func (Socket) Close() error { return errors.ErrUnsupported }
