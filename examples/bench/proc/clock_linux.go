package proc

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock is the processor time of a process, of its threads that have ended too: its clock of
// clock_getcpuclockid(3). 0: there is no such process.
func clock(pid int) time.Duration {
	const scheduled = 2 // CPUCLOCK_SCHED of the kernel: ns, of the whole process
	var t unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|scheduled), &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
