//go:build !portable

package vigil

import (
	"runtime"
	"syscall"
	"unsafe"
)

// sleep is a nap of which the scheduler does not know: the thread keeps its processor. What the
// scheduler wants of it comes as a signal, which ends the nap, and is done in Gosched.
func sleep() bool {
	t := syscall.NsecToTimespec(nap.Nanoseconds())
	_, _, _ = syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
	runtime.Gosched()
	return true
}
