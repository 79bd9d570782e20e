//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// cost is what a run of a program took.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // resident bytes
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (c cost) mb() float64 { return float64(c.peak) / 1e6 }

// run runs a program several times: the shortest times, and the most memory. It is an
// error when it does not end well.
//
// The kernel counts the memory of a child from before it is the other program: what this
// one has had by then is the least that can be measured.
func run(times int, program string, args ...string) (best cost, err error) {
	for i := range times {
		var out bytes.Buffer
		cmd := exec.Command(program, args...)
		cmd.Stdout, cmd.Stderr = &out, &out
		begin := time.Now()
		err := cmd.Run()
		wall := time.Since(begin)
		if err != nil {
			return best, fmt.Errorf("%v: %w\n%s", cmd, err, out.Bytes())
		}
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if i == 0 {
			best.wall, best.cpu = wall, cpu
		}
		best.wall, best.cpu = min(best.wall, wall), min(best.cpu, cpu)
		usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		peak := usage.Maxrss
		if runtime.GOOS != "darwin" {
			peak <<= 10 // it is in KiB
		}
		best.peak = max(best.peak, peak)
	}
	return best, nil
}

// start is the cost of a program that does nothing yet.
func start(program string) ([]row, error) {
	info, err := os.Stat(program)
	if err != nil {
		return nil, err
	}
	c, err := run(50, program, "version")
	return []row{
		known("the program", float64(info.Size())/1e6, "MB"),
		known("sipedge version", ms(c.wall), "ms"),
		known("  processor time", ms(c.cpu), "ms"),
		known("  memory", c.mb(), "MB"),
	}, err
}
