package ctlsocket

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"sipedge/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPath(t *testing.T) {
	at := func(s string) schema.Admin {
		return schema.Admin{Socket: schema.Text{S: s, Pos: schema.Pos{File: "/etc/sipedge/p.yaml"}}}
	}
	for _, c := range []struct {
		set   schema.Admin
		state string
		want  string
	}{
		{schema.Admin{}, "", ""},
		{schema.Admin{}, "/var/lib/sipedge", "/var/lib/sipedge/ctl.sock"},
		{at("none"), "/var/lib/sipedge", ""},
		{at("ctl.sock"), "/var/lib/sipedge", "/etc/sipedge/ctl.sock"},
		{at("/run/sipedge.sock"), "", "/run/sipedge.sock"},
	} {
		if got := Path(&c.set, c.state); got != c.want {
			t.Errorf("%+v in %q: want %q, got %q", c.set.Socket, c.state, c.want, got)
		}
	}
}

// abandoned leaves the socket of a server that was killed.
func abandoned(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ctl.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	return path
}

func TestListen(t *testing.T) {
	path := abandoned(t)
	l, err := Listen(path)
	if err != nil {
		t.Fatalf("the socket of nobody: %v", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
	if _, err := Listen(path); !errors.Is(err, ErrInUse) {
		t.Errorf("a second server: %v", err)
	}
	l.Close()
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
		t.Errorf("it leaves %v, %v", entries, err)
	}
	again, err := Listen(filepath.Join(filepath.Dir(path), "new", "ctl.sock"))
	if err != nil {
		t.Fatalf("a folder that is not there: %v", err)
	}
	again.Close()
}

// What is no socket is left alone, and so is the socket of another when ours is closed.
func TestListenLeavesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ctl.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if b, err := os.ReadFile(path); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := Listen(path); err == nil || err.Error() != "something else is there" {
		t.Errorf("a file: %v", err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100), "ctl.sock")
	if _, err := Listen(long); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a long path: %v", err)
	}
}

// Of servers that start at the same time one gets the socket.
func TestListenAtOnce(t *testing.T) {
	for range 20 {
		path := abandoned(t)
		var mu sync.Mutex
		var won []net.Listener
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if l, err := Listen(path); err == nil {
					mu.Lock()
					won = append(won, l)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Errorf("%d servers have the socket", len(won))
		}
		for _, l := range won {
			l.Close()
		}
	}
}
