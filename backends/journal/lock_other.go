//go:build !unix

package journal

import "os"

// lockFile takes no lock: the system has none that ends with the process.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
