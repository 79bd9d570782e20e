//go:build !linux || portable

package poll

import (
	"errors"
	"net"
	"time"
)

// Works says that there are sets in this build.
const Works = false

// set is a set of sockets.
type set struct{}

// newSet returns an empty set; an error wraps errors.ErrUnsupported where there are none.
func newSet() (*set, error) { return nil, errors.ErrUnsupported }

// close ends the use of a set in which nobody waits.
func (*set) close() error { return nil }

// ring has wait return.
func (*set) ring() {}

// take has wait tell of the connection by id, when there is something to read.
func (*set) take(*net.TCPConn, uint64) (Socket, error) { return 0, errors.ErrUnsupported }

// change has a socket told of for something else.
func (*set) change(Socket, uint64, Readiness) error { return errors.ErrUnsupported }

// wait returns the sockets that are ready.
func (*set) wait(time.Duration) []event { return nil }

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
