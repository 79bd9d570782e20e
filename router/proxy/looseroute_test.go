package proxy

import (
	"bytes"
	"context"
	"net/netip"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// sender takes what is sent.
type sender struct {
	listeners []transport.Listener
	n         int
	to        transport.Target // of the last message
	last      []byte
	request   []byte // the last that was one
	refuse    error  // of every request
}

func (s *sender) Send(t transport.Target, b []byte, _ uint64) error {
	if s.refuse != nil && !bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
		return s.refuse
	}
	s.n++
	s.to, s.last = t, append(s.last[:0], b...)
	if !bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
		s.request = append(s.request[:0], b...)
	}
	return nil
}
func (s *sender) Listeners() []transport.Listener { return s.listeners }
func (s *sender) Choose(t sip.Transport, a netip.Addr) uint16 {
	return transport.Choose(s.listeners, t, a)
}

// noNames is a resolver that is never to be asked.
type noNames struct{}

func (noNames) Cached(d []resolve.Hop, _ resolve.Query) ([]resolve.Hop, bool, error) {
	return d, true, resolve.ErrNotFound
}
func (noNames) Lookup(context.Context, resolve.Query) ([]resolve.Hop, error) {
	return nil, resolve.ErrNotFound
}

func newProxy() (*Proxy, *sender) {
	s := &sender{listeners: []transport.Listener{
		{Transport: sip.UDP, Addr: netip.MustParseAddrPort("10.0.0.9:5060")},
		{Transport: sip.TCP, Addr: netip.MustParseAddrPort("10.0.0.9:5060")},
		{Transport: sip.UDP, Addr: netip.MustParseAddrPort("[2001:db8::9]:5060")},
	}}
	p := New(Config{Sender: s, Resolver: noNames{}, Secret: [32]byte{7}})
	p.SetSettings(&Settings{Self: job.NewSelf(s.listeners, []string{"example.net"}, nil)})
	return p, s
}

// request makes a job over a request given without Via, From, CSeq and such.
func request(t testing.TB, p *Proxy, start string, fields ...string) *job.Job {
	t.Helper()
	text := start + " SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\r\n" + strings.Join(fields, "\r\n") +
		"\r\nCall-ID: c\r\nCSeq: 1 " + strings.Fields(start)[0] + "\r\nContent-Length: 0\r\n\r\n"
	m := new(sip.Message)
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	j := new(job.Job)
	j.Reset()
	j.Msg, j.Self = m, p.settings.Load().Self
	j.Flow = transport.Flow{Transport: sip.UDP,
		Local:  netip.MustParseAddrPort("10.0.0.9:5060"),
		Remote: netip.MustParseAddrPort("10.0.0.1:5060"),
	}
	return j
}

const (
	caller = "From: <sip:a@x>;tag=aa\r\nTo: <sip:b@x>;tag=bb"
	callee = "From: <sip:b@x>;tag=bb\r\nTo: <sip:a@x>;tag=aa"
)

// own is the URI our Record-Route has for the call of caller and callee.
func own(p *Proxy, listener uint16, double bool, params string) string {
	sum := p.routeSum([]byte("c"), []byte("aa"), []byte(params))
	return string(p.appendRecordRoute(nil, listener, false, sum, double, []byte(params)))
}

func routes(m *sip.Message) string {
	var list []string
	for e, ok := m.FirstElement(sip.Route); ok; e, ok = m.NextElement(e) {
		list = append(list, string(e.Value))
	}
	return strings.Join(list, ", ")
}

// The four ways of G5 and RFC 3261 §16.12.1: strict or loose, before us and
// behind us.
func TestLooseAndStrictRouters(t *testing.T) {
	p, _ := newProxy()
	us := own(p, 0, false, "")
	bare := strings.Trim(us, "<>")
	pair := own(p, 1, true, "") + ", " + own(p, 0, true, "")
	pairRURI := strings.Trim(own(p, 1, true, ""), "<>")
	tests := []struct {
		name, ruri, route string
		wantRURI, want    string // as they leave
		hop               string
	}{
		{"loose before, nothing behind", "sip:b@10.0.0.2", us,
			"sip:b@10.0.0.2", "", "sip:b@10.0.0.2"},
		{"loose before, loose behind", "sip:b@10.0.0.2", us + ", <sip:10.0.0.3;lr>",
			"sip:b@10.0.0.2", "<sip:10.0.0.3;lr>", "sip:10.0.0.3;lr"},
		{"loose before, strict behind", "sip:b@10.0.0.2", us + ", <sip:10.0.0.3>, <sip:10.0.0.4;lr>",
			"sip:10.0.0.3", "<sip:10.0.0.4;lr>, <sip:b@10.0.0.2>", "sip:10.0.0.3"},
		{"strict before, nothing behind", bare, "<sip:b@10.0.0.2>",
			"sip:b@10.0.0.2", "", "sip:b@10.0.0.2"},
		{"strict before, loose behind", bare, "<sip:10.0.0.3;lr>, <sip:b@10.0.0.2>",
			"sip:b@10.0.0.2", "<sip:10.0.0.3;lr>", "sip:10.0.0.3;lr"},
		{"strict before, strict behind", bare, "<sip:10.0.0.3>, <sip:b@10.0.0.2>",
			"sip:10.0.0.3", "<sip:b@10.0.0.2>", "sip:10.0.0.3"},
		{"a pair", "sip:b@10.0.0.2", pair + ", <sip:10.0.0.3;lr>",
			"sip:b@10.0.0.2", "<sip:10.0.0.3;lr>", "sip:10.0.0.3;lr"},
		{"strict before a pair", pairRURI, own(p, 0, true, "") + ", <sip:b@10.0.0.2>",
			"sip:b@10.0.0.2", "", "sip:b@10.0.0.2"},
		{"lr=on, lr=true are loose", "sip:b@10.0.0.2", us + ", <sip:10.0.0.3;lr=on>, <sip:x;lr=true>",
			"sip:b@10.0.0.2", "<sip:10.0.0.3;lr=on>, <sip:x;lr=true>", "sip:10.0.0.3;lr=on"},
		{"ours came back as lr=on", "sip:b@10.0.0.2", strings.Replace(us, ";lr", ";lr=on", 1),
			"sip:b@10.0.0.2", "", "sip:b@10.0.0.2"},
	}
	for _, tt := range tests {
		j := request(t, p, "BYE "+tt.ruri, caller, "Route: "+tt.route)
		if !p.LooseRoute(j, true) || !j.Verified || !j.NextRoute || j.Direction != job.Downstream {
			t.Errorf("%s: not taken", tt.name)
			continue
		}
		prepare(j, p.settings.Load())
		u, f := nextHop(j.Msg, nil)
		if f != nil || string(u.Raw) != tt.hop {
			t.Errorf("%s: next hop: want %s, got %s", tt.name, tt.hop, u.Raw)
		}
		if got := string(j.Msg.RURI()); got != tt.wantRURI {
			t.Errorf("%s: Request-URI: want %s, got %s", tt.name, tt.wantRURI, got)
		}
		if got := routes(j.Msg); got != tt.want {
			t.Errorf("%s: Route: want %s, got %s", tt.name, tt.want, got)
		}
	}
}

func TestLooseRouteSockets(t *testing.T) {
	p, _ := newProxy()
	tests := []struct {
		name, dialog string
		first, twin  uint16
		want         uint16
		d            job.Direction
	}{
		{"from the caller, in by UDP", caller, 0, 1, 1, job.Downstream},
		{"from the callee, in by TCP", callee, 1, 0, 0, job.Upstream},
		{"from IPv4 to IPv6", caller, 0, 2, 2, job.Downstream},
	}
	for _, tt := range tests {
		j := request(t, p, "BYE sip:b@10.0.0.2", tt.dialog,
			"Route: "+own(p, tt.first, true, ";x=1"), "Route: "+own(p, tt.twin, true, ";x=1"))
		if !p.LooseRoute(j, true) || routes(j.Msg) != "" {
			t.Errorf("%s: left %s", tt.name, routes(j.Msg))
		}
		if j.SendSocket != tt.want || j.Direction != tt.d || string(j.RRParams) != ";x=1" {
			t.Errorf("%s: socket %d, direction %d, params %s",
				tt.name, j.SendSocket, j.Direction, j.RRParams)
		}
	}
}

// What LooseRoute refuses it leaves as it came.
func TestLooseRouteRefuses(t *testing.T) {
	p, _ := newProxy()
	us := own(p, 0, false, ";x=1")
	tests := []struct{ name, dialog, ruri, route string }{
		{"no Route", caller, "sip:b@10.0.0.2", ""},
		{"a foreign Route", caller, "sip:b@10.0.0.2", "<sip:10.0.0.3;lr>"},
		{"ours second", caller, "sip:b@10.0.0.2", "<sip:10.0.0.3;lr>, " + us},
		{"ours without a tag", caller, "sip:b@10.0.0.2", "<sip:10.0.0.9;lr>"},
		{"a wrong tag", caller, "sip:b@10.0.0.2", "<sip:10.0.0.9;lr;t=0123456789abcdef;x=1>"},
		{"a changed parameter", caller, "sip:b@10.0.0.2", strings.Replace(us, "x=1", "x=2", 1)},
		{"a parameter more", caller, "sip:b@10.0.0.2", strings.Replace(us, "x=1", "x=1;y", 1)},
		{"another dialog", "From: <sip:a@x>;tag=cc\r\nTo: <sip:b@x>;tag=bb", "sip:b@10.0.0.2", us},
		{"outside a dialog", "From: <sip:a@x>;tag=aa\r\nTo: <sip:b@x>", "sip:b@10.0.0.2", us},
		{"a tag of ours on another host", caller, "sip:b@10.0.0.2",
			strings.Replace(us, "10.0.0.9", "10.0.0.8", 1)},
		{"with a user", caller, "sip:b@10.0.0.2", strings.Replace(us, "sip:", "sip:u@", 1)},
		{"strict before, wrong tag", caller, "sip:10.0.0.9;lr;t=0123456789abcdef", "<sip:b@10.0.0.2>"},
		{"a domain of ours", caller, "sip:b@10.0.0.2",
			strings.Replace(us, "10.0.0.9:5060", "example.net", 1)},
	}
	for _, tt := range tests {
		fields := []string{tt.dialog}
		if tt.route != "" {
			fields = append(fields, "Route: "+tt.route)
		}
		j := request(t, p, "BYE "+tt.ruri, fields...)
		if p.LooseRoute(j, true) {
			t.Errorf("%s: taken", tt.name)
		}
		if j.Msg.Edited() || j.Verified || j.NextRoute || j.SendSocket != transport.AnyListener {
			t.Errorf("%s: something changed", tt.name)
		}
	}
}

func TestLooseRouteUnverified(t *testing.T) {
	p, _ := newProxy()
	j := request(t, p, "BYE sip:b@10.0.0.2", caller, "Route: <sip:10.0.0.9;lr>, <sip:10.0.0.3;lr>")
	if !p.LooseRoute(j, false) || j.Verified || j.Direction != job.NoDirection {
		t.Error("want it taken, and nothing verified")
	}
	if got := routes(j.Msg); got != "<sip:10.0.0.3;lr>" {
		t.Errorf("left %s", got)
	}
}
