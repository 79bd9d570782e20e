package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	testsVariable = "SIPEDGE_GUEST_TESTS" // which tests run there, as -test.run has it
	verdict       = "guest: exit code "   // the last line on its console
	bound         = 4 * time.Minute       // for a machine, however busy the one around it is
	memory        = "768"                 // MiB
)

// modules of SCTP in the order that they are loaded in.
var modules = []string{
	"crypto/crc32c_generic", "lib/libcrc32c", "net/ipv4/udp_tunnel", "net/ipv6/ip6_udp_tunnel",
	"net/sctp/sctp",
}

// Run runs tests of the package under test in a guest: those that pattern matches, each of which
// must pass there. What is missing here for a guest skips the test, and fails it with
// SIPEDGE_REQUIRE_REAL=1.
func Run(t *testing.T, pattern string) {
	t.Helper()
	if inGuest() {
		t.Skip("this is the guest")
	}
	qemu, kernel := tools(t)
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	initrd := filepath.Join(t.TempDir(), "initrd")
	if err := pack(initrd, binary, kernel.modules); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	machine := exec.CommandContext(ctx, qemu, "-accel", "tcg", "-cpu", "max", "-m", memory,
		"-nographic", "-no-reboot", "-nic", "none", "-kernel", kernel.image, "-initrd", initrd,
		"-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on "+
			"no_timer_check "+ // its timer is late when the machine around it is busy
			"rdinit=/init "+testsVariable+"="+pattern)
	var console bytes.Buffer
	machine.Stdout, machine.Stderr = &console, &console
	err = machine.Run()
	out := strings.ReplaceAll(console.String(), "\r", "")
	if err != nil {
		t.Fatalf("qemu: %v\n%s", errors.Join(err, ctx.Err()), out)
	}
	passed := strings.Contains(out, "\n"+verdict+"0\n") && strings.Contains(out, "\n--- PASS: ")
	if !passed || strings.Contains(out, "--- SKIP: ") {
		t.Fatalf("in the guest:\n%s", out)
	}
	t.Logf("in the guest:\n%s", out)
}

// kernel is what a guest boots.
type kernel struct {
	image   string
	modules string // folder
}

// tools finds what a guest needs.
func tools(t *testing.T) (qemu string, k kernel) {
	t.Helper()
	var missing []string
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		missing = append(missing, "qemu-system-x86_64")
	}
	root := filepath.Join(repository(t), "out", "kernel")
	images, _ := filepath.Glob(filepath.Join(root, "boot", "vmlinuz-*"))
	folders, _ := filepath.Glob(filepath.Join(root, "lib", "modules", "*", "kernel"))
	if len(images) == 0 || len(folders) == 0 {
		missing = append(missing, "a kernel in out/kernel")
	}
	switch {
	case len(missing) == 0:
		return qemu, kernel{slices.Max(images), slices.Max(folders)}
	case os.Getenv("SIPEDGE_REQUIRE_REAL") == "1":
		t.Fatalf("missing: %s (make deps)", strings.Join(missing, ", "))
	}
	t.Skipf("missing: %s (make deps)", strings.Join(missing, ", "))
	return "", kernel{}
}

// repository is the folder above that has go.mod.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		} else if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			t.Fatal(err)
		}
	}
}

// pack writes the file system of a guest: the test binary that runs here, with the libraries it
// is linked to, and the modules.
func pack(path, binary, from string) error {
	var a archive
	for _, name := range []string{"proc", "dev", "sys", "tmp", "bin", "lib", "lib64", "modules"} {
		a.add(name, folder, nil)
	}
	if err := a.addFile("init", binary); err != nil {
		return err
	}
	if err := a.addLibraries(binary); err != nil {
		return err
	}
	for i, m := range modules {
		name := fmt.Sprintf("modules/%d-%s.ko", i, filepath.Base(m))
		if err := a.addFile(name, filepath.Join(from, m+".ko")); err != nil {
			return err
		}
	}
	return os.WriteFile(path, a.end(), 0o600)
}
