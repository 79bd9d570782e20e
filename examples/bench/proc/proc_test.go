//go:build linux

package proc

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"
)

// A shell that waits for another is a family of two.
func TestFamily(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 60 & wait")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var f Family
	defer func() {
		for _, pid := range f {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		_ = cmd.Wait()
	}()
	var err error
	for range 500 {
		if f, err = Of(cmd.Process.Pid); err == nil && len(f) == 2 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || len(f) != 2 || !slices.Contains(f, cmd.Process.Pid) {
		t.Fatalf("family of %d: %v, %v", cmd.Process.Pid, f, err)
	}
	m, err := f.Memory()
	if err != nil || m.PSS <= 0 || m.PSS >= m.RSS {
		t.Errorf("memory %+v, %v: two processes of libc share some", m, err)
	}
	if _, err := Of(1 << 30); err == nil {
		t.Error("a process that there is not has a family")
	}
}

func TestCPU(t *testing.T) {
	me := Family{os.Getpid()}
	began, before, used := time.Now(), me.CPU(), time.Duration(0)
	// The system counts in steps, and another may have most of the time.
	for used < time.Millisecond && time.Since(began) < 10*time.Second {
		runtime.Gosched()
		used = me.CPU() - before
	}
	took := time.Since(began)
	if used < time.Millisecond || used > time.Duration(runtime.NumCPU())*(took+time.Second) {
		t.Errorf("%s of processor time within %s", used, took)
	}
}

// What a thread used counts when it has ended.
func TestCPUOfThreads(t *testing.T) {
	me, used := Family{os.Getpid()}, make(chan time.Duration)
	before := me.CPU()
	ended := make(chan bool)
	go func() {
		runtime.LockOSThread() // and the thread ends with its goroutine
		for me.CPU()-before < 20*time.Millisecond {
			continue
		}
		used <- me.CPU()
		close(ended)
	}()
	whole := <-used
	<-ended
	for range 100 { // until it has
		if now := me.CPU(); now < whole {
			t.Fatalf("%s of processor time, then %s", whole, now)
		}
		time.Sleep(time.Millisecond)
	}
}
