package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/daemon"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
	hello "sipedge/examples/01-hello"
	"sipedge/schema"
)

func newServe(s System) *cobra.Command {
	var config, state string
	var drain time.Duration
	cmd := &cobra.Command{
		Use:   "serve [PATH]",
		Short: "Route SIP by a policy",
		Long: `Routes SIP by the policy at PATH, in the foreground. Without PATH it runs a policy
of its own: a proxy for the phones of this machine, on 127.0.0.1:5060.

PATH is a YAML or CUE file, or a folder; see ` + "`sipedge validate --help`" + `. A policy with
a mistake is not run.

The log goes to standard error; the policy's ` + "`log:`" + ` sets its level and form (text,
json). The policy's ` + "`admin:`" + ` is an HTTP listener, 127.0.0.1:8060 unless set:
/metrics (Prometheus), /livez, /readyz, and to this host alone /debug/runtime,
/debug/pprof/ (profiles, for go tool pprof) and /trace, by which ` + "`sipedge trace`" + `
records calls. ` + "`sipedge ctl`" + ` tells the server what to do by a unix socket that
its owner alone may use: ctl.sock in the state folder, or the policy's
` + "`admin: {socket: FILE}`" + `; a second server of the same socket does not start.

Signals:
  SIGHUP            read the policy again and swap it whole. One with a mistake, or
                    with a change that needs a restart (admin, secrets, dns …), changes
                    nothing; the log says why.
  SIGTERM, SIGINT   drain: not ready any more, new dialogs are refused with 503, what
                    has no final response yet goes on, --drain at most. Calls that
                    are set up go on without it, by the next server that has its key.
                    A second signal ends at once.

A service manager is told by $NOTIFY_SOCKET (sd_notify) when the server is ready, reads
its policy again and begins to end, and, if it watches, that it lives.

Memory is at most nine tenths of what the control group of the process allows;
$GOMEMLIMIT says otherwise. Garbage waits until there is 64 MB of it, or as much as is
in use where that is more; $GOGC says otherwise, and GOGC=100 is for hosts that are
short of memory.

The state folder keeps the key that signs Record-Route, so that calls live through a
restart, and the journals of location stores with persist: write_back: --state, else
$STATE_DIRECTORY (systemd); without either the key is made at the start, and there is no
write_back. Keys in the policy's ` + "`secrets:`" + ` come first.

` + exit.Codes,
		Example: `  sipedge serve
  sipedge serve examples/01-hello
  sipedge serve --state /var/lib/sipedge /etc/sipedge/policy.yaml
  kill -HUP $(pidof sipedge)`,
		Args: usage.AtMost(1, "one PATH"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && config != "" {
				return fmt.Errorf("PATH and --config are the same thing: give one")
			}
			if drain < 0 {
				return fmt.Errorf("--drain %v is negative", drain)
			}
			path := config
			if len(args) == 1 {
				path = args[0]
			}
			if state == "" {
				state, _ = s.Env("STATE_DIRECTORY")
			}
			return serve(s, path, state, drain)
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "the policy, as PATH")
	cmd.Flags().StringVar(&state, "state", "", "folder for what outlives a restart")
	cmd.Flags().DurationVar(&drain, "drain", 30*time.Second, "how long what is under way may take")
	return cmd
}

// serve runs until a signal ends it.
func serve(s System, path, state string, drain time.Duration) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	d, err := daemon.Start(daemon.Config{
		Load: load(s, path), Drivers: s.Drivers, Stderr: s.Stderr, Env: s.Env,
		State: state, Drain: drain, Version: version(),
	})
	var problems *daemon.Problems
	if errors.As(err, &problems) {
		report(s, problems.Diagnostics, problems.Source)
		if problems.Host {
			return exit.With(exit.Unreachable, nil)
		}
		return exit.With(exit.Problems, nil)
	}
	if err != nil {
		return unreachable(err)
	}
	d.Run(signals)
	return nil
}

// load reads the policy at path, or the one built in.
func load(s System, path string) func() (
	*schema.Document, schema.Source, schema.Diagnostics, error,
) {
	return func() (*schema.Document, schema.Source, schema.Diagnostics, error) {
		if path != "" {
			return schema.Load(path, s.vocabulary())
		}
		doc, src, diags := schema.LoadBytes("built-in.yaml", hello.Policy, s.vocabulary())
		return doc, src, diags, nil
	}
}
