package router

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"sipedge/router/failed"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// choked is a wire on which no INVITE leaves.
type choked struct {
	*wire
	err error
}

func (c choked) Send(t transport.Target, b []byte, ref uint64) error {
	if strings.HasPrefix(string(b), "INVITE") {
		return c.err
	}
	return c.wire.Send(t, b, ref)
}

// What this server has no room for is held against no gateway, and no target; what the network
// says is.
func TestOwnLimitsTellNothingOfOthers(t *testing.T) {
	for err, want := range map[error]string{
		transport.ErrLimit:                           "up",
		transport.ErrTooLarge:                        "up",
		transport.ErrQueueFull:                       "up",
		transport.ErrNoListener:                      "up",
		fmt.Errorf("dial: %w", syscall.EMFILE):       "up",
		fmt.Errorf("dial: %w", syscall.ECONNREFUSED): "down",
		errors.New("handshake"):                      "down",
	} {
		for action, counts := range map[string]bool{"relay": true, "forward": false} {
			policy := `version: 1
listen: [{udp: "10.0.0.9:5060"}]
failed_targets: 30s
gateways: {pstn: {destinations: [{uri: "sip:10.0.0.3"}]}}
routes:
  request:
    - do: [{dispatch: {set: pstn}}, {` + action + `: {}}]
`
			w := &wire{listeners: Listeners(load(t, policy)), net: mem.New(mem.Config{})}
			r := New(Config{
				Sender: choked{w, err}, Clock: w.net.Now, Wake: func(time.Time) {},
				Resolver: names{w.net}, Pool: later{w.net}, Locations: stored(),
				Failed: failed.New(w.net.Now),
			})
			swap(t, r, policy)
			var answers []string
			for i := range 3 {
				answers = w.ask(r, fmt.Sprintf("INVITE sip:%d@example.org", i),
					fmt.Sprint("Call-ID: ", i))
			}
			if len(answers) == 0 {
				t.Fatalf("%s, %v: no answer", action, err)
			}
			if got := r.Gateways().List()[0].State(); counts && got != want {
				t.Errorf("%s, %v: the gateway is %s, want %s", action, err, got, want)
			}
			if got := len(r.cfg.Failed.List()); (got == 0) != (want == "up") {
				t.Errorf("%s, %v: %d targets failed", action, err, got)
			}
		}
	}
}
