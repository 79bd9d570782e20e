//go:build unix && !linux

package backendtest

import "syscall"

// attributes of a server's process: who runs it.
func attributes(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who}
}
