package proxy

import (
	"bytes"
	"context"
	"net/netip"
	"strings"
	"testing"

	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/router/nexthop"
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
	return transport.Choose(s.listeners, t, a, nil)
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

const caller = "From: <sip:a@x>;tag=aa\r\nTo: <sip:b@x>;tag=bb"

// own is the Record-Route, or the pair, of a request of caller that came and
// leaves by these listeners.
func own(t *testing.T, p *Proxy, in, out uint16) string {
	m := request(t, p, "INVITE sip:b@x", "From: <sip:a@x>;tag=aa\r\nTo: <sip:b@x>").Msg
	s := identity.Stamp{RecordRoute: new(job.RecordRoute)}
	from, to := identity.Side{Listener: in}, identity.Side{Listener: out}
	s.Mark(p.own, m, p.own.AppendVia(nil, out), from, to)
	var list []string
	for e, ok := m.FirstElement(sip.RecordRoute); ok; e, ok = m.NextElement(e) {
		list = append(list, string(e.Value))
	}
	return strings.Join(list, ", ")
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
	us := own(t, p, 0, 0)
	bare := strings.Trim(us, "<>")
	pair := own(t, p, 0, 1)
	first, twin, _ := strings.Cut(pair, ", ")
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
		{"strict before a pair", strings.Trim(first, "<>"), twin + ", <sip:b@10.0.0.2>",
			"sip:b@10.0.0.2", "", "sip:b@10.0.0.2"},
		{"lr=on, lr=true are loose", "sip:b@10.0.0.2", us + ", <sip:10.0.0.3;lr=on>, <sip:x;lr=true>",
			"sip:b@10.0.0.2", "<sip:10.0.0.3;lr=on>, <sip:x;lr=true>", "sip:10.0.0.3;lr=on"},
		{"ours came back as lr=on", "sip:b@10.0.0.2", strings.Replace(us, ";lr", ";lr=on", 1),
			"sip:b@10.0.0.2", "", "sip:b@10.0.0.2"},
	}
	for _, tt := range tests {
		j := request(t, p, "BYE "+tt.ruri, caller, "Route: "+tt.route)
		if !p.LooseRoute(j, true) || !j.Verified || j.Direction != job.Downstream {
			t.Errorf("%s: not taken", tt.name)
			continue
		}
		prepare(j, p.settings.Load())
		u, err := nexthop.URI(j.Msg, nil)
		if err != nil || string(u.Raw) != tt.hop {
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
