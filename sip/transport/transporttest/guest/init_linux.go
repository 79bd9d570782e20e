package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Init is the first thing a TestMain does that has tests for a guest. Elsewhere it does nothing;
// in the guest's first process it never returns: it loads the modules, runs the tests as a
// process of their own, tells how they ended, and turns the machine off.
func Init() {
	if os.Getpid() != 1 || os.Getenv(testsVariable) == "" {
		return
	}
	code, err := tests()
	if err != nil {
		fmt.Println("guest:", err)
	}
	fmt.Printf("\n%s%d\n", verdict, code)
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// tests prepares the machine and runs them.
func tests() (code int, err error) {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"devtmpfs", "/dev"}, {"sysfs", "/sys"},
	} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return 1, fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	modules, err := filepath.Glob("/modules/*")
	if err != nil {
		return 1, err
	}
	for _, path := range modules {
		if err := load(path); err != nil {
			return 1, fmt.Errorf("load %s: %w", path, err)
		}
	}
	if err := loopback(); err != nil {
		return 1, fmt.Errorf("loopback: %w", err)
	}
	c := exec.Command("/init", "-test.v", "-test.run", os.Getenv(testsVariable))
	c.Dir, c.Stdout, c.Stderr = "/", os.Stdout, os.Stderr
	c.Env = []string{"TMPDIR=/tmp", "HOME=/tmp", "PATH=/bin", "SIPEDGE_REQUIRE_REAL=1"}
	if err := c.Run(); err != nil {
		return max(1, c.ProcessState.ExitCode()), err
	}
	return 0, nil
}

func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

// loopback brings the interface up.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

// inGuest reports whether this process runs in a guest.
func inGuest() bool {
	line, err := os.ReadFile("/proc/cmdline")
	return err == nil && strings.Contains(string(line), testsVariable)
}
