package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sipedge/sip/transport/porttest"
)

// sipp is a running SIPp. It ends by itself after its calls, or with the test.
type sipp struct {
	lossy bool // calls may fail: the test counts them
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	stats string // path of its statistics
	out   bytes.Buffer
	errs  string // path of its error log
	done  chan error
}

// load is how many calls a test makes, how many a second, and how long each lasts.
type load struct {
	calls, rate int
	last        time.Duration
}

func sippLoad() load {
	if soaking() {
		return load{10_000, 200, callLength}
	}
	return load{1000, 200, callLength}
}

// socketBuffer is what a system grants without being configured, in bytes. SIPp asks for 64 KiB
// unless told, which overflows when it does not run for a moment.
const socketBuffer = "212992"

// callLength keeps a BYE apart from the ACK: UDP may bring them in another order.
const callLength = 250 * time.Millisecond

// endless are calls until finish.
func endless(rate int) load { return load{rate * 1200, rate, callLength} }

func (l load) args() []string {
	// The bound is generous: it ends a run that hangs.
	bound := l.calls/l.rate + 90
	return []string{
		"-m", strconv.Itoa(l.calls), "-r", strconv.Itoa(l.rate),
		"-timeout", strconv.Itoa(bound), "-timeout_error",
		"-d", strconv.FormatInt(l.last.Milliseconds(), 10),
	}
}

// scenario is the argument pair for a file of testdata/sipp, another file by its path, or a
// built-in scenario.
func scenario(name string) []string {
	if filepath.IsAbs(name) {
		return []string{"-sf", name}
	}
	if builtin, ok := strings.CutPrefix(name, "-"); ok {
		return []string{"-sn", builtin}
	}
	path, err := filepath.Abs(filepath.Join("testdata", "sipp", name+".xml"))
	if err != nil {
		panic(err)
	}
	return []string{"-sf", path}
}

// startSIPp runs SIPp at a local address. transport is "udp" or "tcp".
func startSIPp(
	t *testing.T, name, transport string, local netip.AddrPort, args ...string,
) *sipp {
	t.Helper()
	dir := t.TempDir()
	s := &sipp{
		t: t, name: name, done: make(chan error, 1),
		stats: filepath.Join(dir, "stat.csv"), errs: filepath.Join(dir, "errors.log"),
	}
	mode := map[string]string{"udp": "u1", "tcp": "t1"}[transport]
	all := append(scenario(name),
		"-i", local.Addr().String(), "-p", strconv.Itoa(int(local.Port())), "-t", mode,
		"-trace_stat", "-stf", s.stats, "-fd", "1", "-trace_err", "-error_file", s.errs,
		"-buff_size", socketBuffer, "-nostdin")
	s.cmd = exec.Command("sipp", append(all, args...)...)
	s.cmd.Dir = dir
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() { s.cmd.Process.Kill() })
	return s
}

// startUAS runs SIPp as a callee and waits until it listens.
func startUAS(t *testing.T, name, transport string, ip string, l load) (*sipp, netip.AddrPort) {
	t.Helper()
	local := netip.AddrPortFrom(netip.MustParseAddr(ip), freePort(t))
	s := startSIPp(t, name, transport, local, l.args()...)
	await(t, 10*time.Second, func() (string, bool) {
		return name + " does not listen", bound(local.Port())
	})
	return s, local
}

// startUAC runs SIPp as a caller towards the server.
func startUAC(
	t *testing.T, name, transport string, to netip.AddrPort, l load, more ...string,
) *sipp {
	t.Helper()
	local := netip.AddrPortFrom(to.Addr(), freePort(t))
	return startSIPp(t, name, transport, local, append(append(l.args(), more...), to.String())...)
}

// atOnce bounds the calls of a caller that are under way: where answers take long, calls begin as
// they come and not by the rate, which a server refuses when it is more than it is up to.
func atOnce(calls int) []string { return []string{"-l", strconv.Itoa(calls)} }

// wait returns how many calls succeeded and failed by SIPp's own statistics.
func (s *sipp) wait(bound time.Duration) (succeeded, failed int) {
	s.t.Helper()
	var exit error
	select {
	case exit = <-s.done:
	case <-time.After(bound):
		s.cmd.Process.Kill()
		<-s.done
		s.t.Errorf("sipp %s did not end within %v", s.name, bound)
	}
	succeeded, failed = s.counts()
	if !s.lossy && (exit != nil || failed > 0) {
		errs, _ := os.ReadFile(s.errs)
		out := s.out.String()
		s.t.Errorf("sipp %s: %v, %d calls failed\n%s\n%s", s.name, exit, failed,
			errs[:min(len(errs), 6000)], out[max(0, len(out)-4000):])
	}
	return succeeded, failed
}

// finish lets the calls under way end and makes no more, then waits.
func (s *sipp) finish() (succeeded, failed int) {
	s.t.Helper()
	s.cmd.Process.Signal(syscall.SIGUSR1)
	return s.wait(60 * time.Second)
}

// counts reads the cumulative columns of the last line of the statistics.
func (s *sipp) counts() (succeeded, failed int) {
	s.t.Helper()
	b, err := os.ReadFile(s.stats)
	if err != nil {
		s.t.Fatalf("sipp %s: %v\n%s", s.name, err, s.out.String())
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = ';', -1, true
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		s.t.Fatalf("sipp %s: statistics: %v, %d rows", s.name, err, len(rows))
	}
	last := rows[len(rows)-1]
	column := func(name string) int {
		for i, h := range rows[0] {
			if h == name {
				n, err := strconv.Atoi(last[i])
				if err != nil {
					s.t.Fatalf("sipp %s: %s: %v", s.name, name, err)
				}
				return n
			}
		}
		s.t.Fatalf("sipp %s: no column %s", s.name, name)
		return 0
	}
	return column("SuccessfulCall(C)"), column("FailedCall(C)")
}

// freePort is a port nobody uses on any address, for UDP and TCP alike, nor gets while the test
// runs.
func freePort(t *testing.T) uint16 {
	t.Helper()
	return porttest.Free(t).Port()
}

// bound says whether some socket of this machine is bound to the port.
func bound(port uint16) bool {
	want := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"udp", "udp6", "tcp", "tcp6"} {
		b, err := os.ReadFile("/proc/net/" + table)
		if err != nil {
			continue
		}
		for l := range strings.Lines(string(b)) {
			if f := strings.Fields(l); len(f) > 1 && strings.HasSuffix(f[1], want) {
				return true
			}
		}
	}
	return false
}
