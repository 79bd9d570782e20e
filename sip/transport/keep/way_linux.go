package keep

import "syscall"

// GiveWay lets other threads of this processor go first, if some wait for it. It is for long work
// that is not a message's, between its steps: the kernel would have a thread that carries messages
// wait to the end of it.
func GiveWay() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
