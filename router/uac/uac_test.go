package uac

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// astray is a Way that leads nowhere, or that a full pool does not look for.
type astray struct{ full bool }

func (w astray) Locate(_ *sip.URI, _ bool, then func([]resolve.Hop)) bool {
	if !w.full {
		then(nil)
	}
	return !w.full
}

func (astray) Egress(dst []byte, _ uint16, _ resolve.Hop) (uint16, []byte) {
	return transport.AnyListener, dst
}

func (astray) Sent(*job.Trace, transport.Target, []byte) {}

// The log says to whom a request failed: the next hop, or where it was sent.
func TestFailureSaysToWhom(t *testing.T) {
	ask := func(a *Agent) {
		a.Ask(&Settings{Name: "h"}, &Request{Method: "OPTIONS", URI: []byte("sip:gw.example.net")},
			time.Second, func(int, error) {})
	}
	send := func(a *Agent) {
		j := job.Get()
		defer job.Put(j)
		if err := a.Send(j, &Settings{Name: "h"}, &Request{
			Method: "MESSAGE", URI: []byte("sip:bob@example.net"), Hop: []byte("sip:gw.example.net;lr"),
		}); err != nil {
			t.Fatal(err)
		}
		j.Ended()
	}
	for _, c := range []struct {
		name string
		way  astray
		do   func(a *Agent)
		want string
	}{
		{"asked, nowhere", astray{}, ask, "to=sip:gw.example.net error="},
		{"asked, full", astray{full: true}, ask, "to=sip:gw.example.net error="},
		{"sent, nowhere", astray{}, send, `to=sip:gw.example.net;lr error=`},
		{"sent, full", astray{full: true}, send, `to=sip:gw.example.net;lr error=`},
		{"no answer", astray{}, func(a *Agent) {
			a.Response(Word, transport.Flow{Remote: netip.MustParseAddrPort("192.0.2.1:5060")}, nil,
				transaction.ErrTimeout)
		}, `to=192.0.2.1:5060 error="no response"`},
	} {
		var log bytes.Buffer
		c.do(New(Config{Way: c.way, Log: slog.New(slog.NewTextHandler(&log,
			&slog.HandlerOptions{Level: slog.LevelDebug}))}))
		want := `level=DEBUG msg="a request of our own failed" ` + c.want
		if n := strings.Count(log.String(), want); n != 1 {
			t.Errorf("%s: %d times %s in\n%s", c.name, n, want, log.String())
		}
	}
}
