// Package peers starts sipedge and Kamailio to be measured beside each other: the same routing over
// TCP or TLS, each on one core. Its one law: it ends what it started, and nothing else.
package peers

import (
	"embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"text/template"
	"time"

	"sipedge/examples/bench/proc"
	"sipedge/sip"
)

//go:embed sipedge.yaml kamailio.cfg tls.cfg
var files embed.FS

// Kind is a server with its settings.
type Kind struct {
	Children int  // of Kamailio, that read connections; 0: it is sipedge
	Async    bool // of Kamailio: writes that would block are queued
}

// String names it in reports.
func (k Kind) String() string {
	switch {
	case k.Children == 0:
		return "sipedge"
	case k.Async:
		return fmt.Sprintf("kamailio, tcp_children=%d tcp_async=yes", k.Children)
	}
	return fmt.Sprintf("kamailio, tcp_children=%d tcp_async=no", k.Children)
}

// World is where servers run.
type World struct {
	Dir               string // for their files
	Sipedge, Kamailio string // programs
	CPU               int    // the core they have
	Connections       int    // at most
	Lean              bool   // memory before processor time, where a server has the choice
	Certificates      Certificates
}

// Server is one that runs.
type Server struct {
	Addr   netip.AddrPort
	PID    int
	cmd    *exec.Cmd
	output string // file
	exited chan struct{}
}

// settle is how long a server may need after it accepts connections, to be as ready as it gets.
const settle = time.Second

// Start runs a server on a port of its own until Stop, and returns when it is ready.
func (w *World) Start(k Kind, t sip.Transport) (*Server, error) {
	addr, err := FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(w.Dir, "server-")
	if err != nil {
		return nil, err
	}
	async := "no"
	if k.Async {
		async = "yes"
	}
	values := map[string]any{
		"Listen": addr, "TLS": t == sip.TLS, "Connections": w.Connections,
		// Of those sipedge has room for, three quarters are for who calls.
		"Places": w.Connections*4/3 + 1, "Dir": dir, "Lean": w.Lean,
		"Cert": w.Certificates.Cert, "Key": w.Certificates.Key, "CA": w.Certificates.CA,
		"Children": k.Children, "Async": async,
	}
	for _, name := range []string{"sipedge.yaml", "kamailio.cfg", "tls.cfg"} {
		if err := fill(name, filepath.Join(dir, name), values); err != nil {
			return nil, err
		}
	}
	args := []string{w.Sipedge, "serve", "--drain", "100ms",
		"--config", filepath.Join(dir, "sipedge.yaml")}
	if k.Children > 0 {
		args = []string{w.Kamailio, "-f", filepath.Join(dir, "kamailio.cfg"), "-DD", "-E",
			"-x", "fm", "-X", "fm", "-m", "4096", "-M", "32", "-Y", dir}
	}
	s, err := Run(Pinned(w.CPU, args...), addr, filepath.Join(dir, "output"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	return s, nil
}

// Run runs the command of a server until Stop, and returns when it accepts connections at addr.
// output is the file of what it writes.
func Run(cmd *exec.Cmd, addr netip.AddrPort, output string) (*Server, error) {
	s := &Server{Addr: addr, output: output, exited: make(chan struct{})}
	if err := s.run(cmd); err != nil {
		return nil, err
	}
	if err := s.ready(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Program is the path of one that may lie where only root looks.
func Program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

// Pinned is a command on one core.
func Pinned(cpu int, args ...string) *exec.Cmd {
	return exec.Command("taskset", append([]string{"-c", strconv.Itoa(cpu)}, args...)...)
}

// Prefer gives this process and what it starts from now on precedence over others: nice is as
// setpriority(2) has it. The kernel weighs sessions before processes, sched(7): that of this
// process gets it, too.
func Prefer(nice int) error {
	// Linux means a thread by a process, and who starts another may be any of ours.
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err == nil {
			err = syscall.Setpriority(syscall.PRIO_PROCESS, id, nice)
		}
		if err != nil {
			return fmt.Errorf("nice %d: %w", nice, err)
		}
	}
	err = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(nice)), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // a kernel that knows processes alone
	}
	return err
}

// fill writes a file with values in it.
func fill(name, path string, values map[string]any) error {
	t, err := template.ParseFS(files, name)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(t.Execute(f, values), f.Close())
}

// FreePort is one of loopback that nobody has.
func FreePort() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	return l.Addr().(*net.TCPAddr).AddrPort(), l.Close()
}

func (s *Server) run(cmd *exec.Cmd) error {
	out, err := os.Create(s.output)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.PID = cmd, cmd.Process.Pid
	go func() {
		_ = cmd.Wait() // how it ended is for Stop
		close(s.exited)
	}()
	return nil
}

// ready waits until it accepts connections.
func (s *Server) ready() error {
	for range 400 {
		select {
		case <-s.exited:
			text, _ := os.ReadFile(s.output)
			return fmt.Errorf("ended at its start: %s", text[max(0, len(text)-1000):])
		case <-time.After(50 * time.Millisecond):
		}
		if c, err := net.Dial("tcp4", s.Addr.String()); err == nil {
			time.Sleep(settle)
			return c.Close()
		}
	}
	return errors.New("not ready within 20 s")
}

// Family are its processes.
func (s *Server) Family() (proc.Family, error) { return proc.Of(s.PID) }

// Stop ends it. What does not end within 5 s is killed.
func (s *Server) Stop() error {
	all, err := s.Family()
	if err != nil {
		return nil // it has ended
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.exited:
		return nil
	case <-time.After(5 * time.Second):
	}
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	<-s.exited
	return nil
}
