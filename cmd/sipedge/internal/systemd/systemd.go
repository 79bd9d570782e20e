// Package systemd tells the service manager how far the server is, by the protocol of sd_notify(3),
// which others than systemd speak as well.
// Its one law: where nobody wants to be told, or he can't be, the server goes on as it is.
package systemd

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Service is this process as its manager knows it: that of $NOTIFY_SOCKET; nobody without it.
type Service struct{ Log *slog.Logger }

// Ready says that the server serves, again after Reloading, and in a line with what.
func (s *Service) Ready(status string) {
	line := strings.ReplaceAll(status, "\n", "; ")
	s.tell(daemon.SdNotifyReady + "\nSTATUS=" + line)
}

// Reloading says that the policy is read again, as Type=notify-reload asks for.
func (s *Service) Reloading() {
	s.tell(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// Stopping says that the server begins to end.
func (s *Service) Stopping() { s.tell(daemon.SdNotifyStopping) }

// Watch says that the server lives, twice in the time after which its manager ends it, as long as
// alive returns, until ctx ends. It returns at once when nobody watches.
func (s *Service) Watch(ctx context.Context, alive func()) {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.Log.Warn("the service manager", "error", err)
	}
	if within <= 0 {
		return
	}
	tick := time.NewTicker(within / 2)
	defer tick.Stop()
	for {
		alive()
		s.tell(daemon.SdNotifyWatchdog)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Service) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.Log.Warn("the service manager", "error", err)
	}
}
