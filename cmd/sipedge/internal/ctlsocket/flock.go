//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ctlsocket

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// exclusively runs f while no other process runs one for the same folder.
func exclusively(folder string, f func() error) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", folder, err)
	}
	return f()
}

// nobody reports whether an error of a connection means that nobody listens.
func nobody(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
