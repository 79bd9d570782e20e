package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/control"
	"sipedge/sip/transport/transporttest/guest"
)

// TestMain puts a `sipedge` on PATH that is this test binary running main.
func TestMain(m *testing.M) {
	guest.Init()
	testscript.Main(m, map[string]func(){"sipedge": main})
}

// TestScripts runs every command as its user would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("SIPEDGE_UPDATE") == "1",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "appears": appears, "listens": listens,
		},
		Condition: func(name string) (bool, error) { // [odbc]: this build has the driver
			i := slices.IndexFunc(services, func(d backends.Driver) bool { return d.Name == name })
			return i >= 0 && services[i].Tag == "", nil
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			return nil
		},
	})
}

// exits runs a program that must end with an exit code: exits CODE PROGRAM ARG…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// appears waits for a file.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: appears FILE")
	}
	for range 1000 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s does not appear", args[0])
}

// listens waits until somebody listens to events of the server at a socket.
func listens(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listens SOCKET")
	}
	server := control.NewClient(ts.MkAbs(args[0]))
	for range 1000 {
		var all control.Statistics
		q := url.Values{"name": {"sipedge_event_subscribers"}}
		ts.Check(server.Do(context.Background(), "statistics", q, nil, &all))
		if len(all.Statistics) == 1 && all.Statistics[0].Value > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("nobody listens")
}

// needs skips a test, or fails it under SIPEDGE_REQUIRE_REAL=1, when a program is missing.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return
	}
	if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
		t.Fatalf("missing: %s (make deps)", strings.Join(missing, ", "))
	}
	t.Skipf("missing: %s (make deps)", strings.Join(missing, ", "))
}

// soaking says whether this is the long run.
func soaking() bool { return os.Getenv("SIPEDGE_SOAK") == "1" }
