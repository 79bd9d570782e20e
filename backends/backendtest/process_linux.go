package backendtest

import "syscall"

// attributes of a server's process: who runs it, and that it ends with this one.
func attributes(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGTERM}
}
