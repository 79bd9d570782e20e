package flat

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sipedge/backends"
	"sipedge/backends/backendtest"
)

// Of a write that does not fit nothing stays.
func TestFull(t *testing.T) {
	folder := t.TempDir()
	db := backendtest.OpenDB(t, &Driver, "folder: "+folder)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 1000, Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, n := range []int{599, 599, 99} {
		errs = append(errs, db.Insert(t.Context(), "acc", []string{"a"},
			backends.Row{strings.Repeat("x", n)}))
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if errs[0] != nil || !errors.Is(errs[1], backends.ErrUnavailable) || errs[2] != nil {
		t.Errorf("%v, want the second one refused", errs)
	}
	want := strings.Repeat("x", 599) + "\n" + strings.Repeat("x", 99) + "\n"
	if b, err := os.ReadFile(filepath.Join(folder, "acc.log")); string(b) != want || err != nil {
		t.Errorf("%v, %d bytes, want %d", err, len(b), len(want))
	}
}
