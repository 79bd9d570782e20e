package backendtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sipedge/sip/transport/porttest"
)

const (
	setUpWithin = 2 * time.Minute // making the first files
	startWithin = 60 * time.Second
	stopWithin  = 30 * time.Second
)

// Server is a real server on a port of loopback, its files in a folder of its own. It is
// reached by a Proxy that can fall silent, and it ends with the test.
type Server struct {
	*Proxy
	Folder string
	port   int
	stop   syscall.Signal
	args   []string
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
}

// Need finds a program on PATH or in folders by patterns, else skips the test, or fails it under
// SIPEDGE_REQUIRE_REAL=1.
func Need(t testing.TB, program string, patterns ...string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, p := range append(patterns, "/usr/sbin") {
		if found, _ := filepath.Glob(filepath.Join(p, program)); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
		t.Fatalf("missing: %s (make deps)", program)
	}
	t.Skipf("missing: %s (make deps)", program)
	return ""
}

// folder makes one for a server, whoever runs it: /tmp/sipedge-…
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sipedge-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if who := unprivileged(t); who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// unprivileged is who servers run as when this is root; nil: as we do.
func unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// setUp runs a program that makes the first files of a server.
func setUp(t testing.TB, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.SysProcAttr = dir, attributes(unprivileged(t))
	cmd.Env = append(cmd.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8")
	timer := time.AfterFunc(setUpWithin, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Start starts the server and waits until it takes connections.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Dir, s.cmd.SysProcAttr = s.Folder, attributes(unprivileged(t))
	s.cmd.Env = append(s.cmd.Environ(), "HOME="+s.Folder, "LC_ALL=C.UTF-8")
	s.output.Reset()
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	s.ended = ended
	cmd := s.cmd
	go func() {
		cmd.Wait()
		close(ended)
	}()
	for began := time.Now(); time.Since(began) < startWithin; {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(s.port), time.Second)
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", s.args[0], &s.output)
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("%s takes no connection after %v", s.args[0], startWithin)
}

// Stop ends the server; its files stay.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.cmd.Process.Signal(s.stop)
	select {
	case <-s.ended:
	case <-time.After(stopWithin):
		s.cmd.Process.Kill()
		<-s.ended
		t.Errorf("%s did not end within %v", s.args[0], stopWithin)
	}
}

// Pause stops the server and its children where they are, by SIGSTOP.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
}

// Resume lets them go on.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	pid := s.cmd.Process.Pid
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, child := range append(strings.Fields(string(list)), strconv.Itoa(pid)) {
		n, err := strconv.Atoi(child)
		if err == nil {
			err = syscall.Kill(n, sig)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}

func start(t testing.TB, dir string, port int, stop syscall.Signal, args ...string) *Server {
	t.Helper()
	s := &Server{Folder: dir, port: port, stop: stop, args: args}
	s.Start(t)
	t.Cleanup(func() { s.Stop(t) })
	s.Proxy = NewProxy(t, "127.0.0.1:"+strconv.Itoa(port))
	return s
}

// Postgres starts PostgreSQL with an empty database `sipedge` of a superuser of that name.
func Postgres(t testing.TB) *Server {
	t.Helper()
	const installed = "/usr/lib/postgresql/*/bin"
	postgres, initdb := Need(t, "postgres", installed), Need(t, "initdb", installed)
	dir, port := folder(t), int(porttest.Free(t).Port())
	data := filepath.Join(dir, "data")
	setUp(t, dir, initdb, "-D", data, "-U", "sipedge", "-A", "trust", "-E", "UTF8", "--no-sync")
	s := start(t, dir, port, syscall.SIGINT, postgres, "-D", data, "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+dir,
		"-c", "fsync=off", "-c", "max_connections=60")
	createdb := Need(t, "createdb", installed)
	s.retry(t, createdb, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "sipedge", "sipedge")
	return s
}

// retry runs a client while the server is still waking up.
func (s *Server) retry(t testing.TB, args ...string) {
	t.Helper()
	var out []byte
	var err error
	for began := time.Now(); time.Since(began) < startWithin; {
		if out, err = exec.Command(args[0], args[1:]...).CombinedOutput(); err == nil {
			return
		}
		if !strings.Contains(string(out), "starting up") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: %v\n%s", args[0], err, out)
}

// PostgresDSN is how to reach it through its proxy.
func (s *Server) PostgresDSN() string {
	return fmt.Sprintf("postgres://sipedge@%s/sipedge?sslmode=disable", s.Addr)
}

// MariaDB starts MariaDB with an empty database `sipedge` of a user of that name with the
// password `secret`. Flags are added to those of the server.
func MariaDB(t testing.TB, flags ...string) *Server {
	t.Helper()
	mariadbd, install := Need(t, "mariadbd"), Need(t, "mariadb-install-db")
	dir, port := folder(t), int(porttest.Free(t).Port())
	data, first := filepath.Join(dir, "data"), filepath.Join(dir, "first.sql")
	setUp(t, dir, install, "--no-defaults", "--datadir="+data, "--skip-test-db",
		"--auth-root-authentication-method=normal", "--innodb-log-file-size=4M")
	const sql = "CREATE DATABASE IF NOT EXISTS sipedge CHARACTER SET utf8mb4;\n" +
		"CREATE USER IF NOT EXISTS sipedge@'%' IDENTIFIED BY 'secret';\n" +
		"GRANT ALL ON sipedge.* TO sipedge@'%';\n"
	if err := os.WriteFile(first, []byte(sql), fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
	args := []string{mariadbd, "--no-defaults", "--datadir=" + data, "--port=" + strconv.Itoa(port),
		"--bind-address=127.0.0.1", "--socket=" + filepath.Join(dir, "s"), "--skip-name-resolve",
		"--pid-file=" + filepath.Join(dir, "pid"), "--init-file=" + first,
		"--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=4M"}
	return start(t, dir, port, syscall.SIGTERM, append(args, flags...)...)
}

// MySQLDSN is how to reach it through its proxy.
func (s *Server) MySQLDSN() string {
	return fmt.Sprintf("mysql://sipedge:secret@%s/sipedge", s.Addr)
}
