package journal

import (
	"os"
	"syscall"
)

// flush brings what was written to the disk, and of what describes the file the length alone.
func flush(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
