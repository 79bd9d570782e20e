package control

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/cmd/sipedge/internal/ctlsocket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Without an answer a client says why, and in time.
func TestNoServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	abandoned := filepath.Join(t.TempDir(), "abandoned")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: abandoned, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, path := range []string{abandoned, filepath.Join(t.TempDir(), "none"), file} {
		err := NewClient(path).Do(context.Background(), "uptime", nil, nil, new(Uptime))
		if !errors.Is(err, ErrNoServer) ||
			err.Error() != "no sipedge answers on "+path+"; is it running?" {
			t.Errorf("got %v", err)
		}
	}
	path := filepath.Join(t.TempDir(), "ctl.sock")
	deaf, err := ctlsocket.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = NewClient(path).Do(ctx, "uptime", nil, nil, new(Uptime))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("got %v of a deaf server after %v", err, time.Since(began))
	}
}
