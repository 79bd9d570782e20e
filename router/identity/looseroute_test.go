package identity

import (
	"net/netip"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

var listeners = []transport.Listener{
	listener(sip.UDP, "10.0.0.9:5060", ""),
	listener(sip.TCP, "10.0.0.9:5060", ""),
	listener(sip.UDP, "[2001:db8::9]:5060", ""),
	listener(sip.WS, "10.0.0.9:8080", ""),
}

func newRouter() *Router { return New(listeners, []byte("secret")) }

// request makes a job over a request given without Via, Call-ID and such.
func request(t testing.TB, start string, fields ...string) *job.Job {
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
	j.Msg, j.Self = m, job.NewSelf(listeners, []string{"example.net"}, nil)
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

// own is the Record-Route of a listener in the dialog of caller and callee.
func own(r *Router, listener uint16, pair bool, params string) string {
	return ownOver(r, Side{Listener: listener}, pair, params)
}

func ownOver(r *Router, s Side, pair bool, params string) string {
	d := dialog{[]byte("c"), []byte("aa")}
	return string(r.appendRecordRoute([]byte("<sip:"), d, s, nil, pair, []byte(params)))
}

func routes(m *sip.Message) string {
	var list []string
	for e, ok := m.FirstElement(sip.Route); ok; e, ok = m.NextElement(e) {
		list = append(list, string(e.Value))
	}
	return strings.Join(list, ", ")
}

func TestLooseRouteSockets(t *testing.T) {
	r := newRouter()
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
		j := request(t, "BYE sip:b@10.0.0.2", tt.dialog,
			"Route: "+own(r, tt.first, true, ";x=1"), "Route: "+own(r, tt.twin, true, ";x=1"))
		if !r.LooseRoute(j, true) || routes(j.Msg) != "" {
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
	r := newRouter()
	us := own(r, 0, false, ";x=1")
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
		{"strict before, nothing to restore", caller, strings.Trim(us, "<>"), "<sip:b@10.0.0.2"},
		{"strict before, no URI to restore", caller, strings.Trim(us, "<>"), "<sip:b@[>"},
		{"a domain of ours", caller, "sip:b@10.0.0.2",
			strings.Replace(us, "10.0.0.9:5060", "example.net", 1)},
	}
	for _, tt := range tests {
		fields := []string{tt.dialog}
		if tt.route != "" {
			fields = append(fields, "Route: "+tt.route)
		}
		j := request(t, "BYE "+tt.ruri, fields...)
		if r.LooseRoute(j, true) {
			t.Errorf("%s: taken", tt.name)
		}
		if j.Msg.Edited() || j.Verified || j.SendSocket != transport.AnyListener {
			t.Errorf("%s: something changed", tt.name)
		}
	}
}

func TestLooseRouteUnverified(t *testing.T) {
	r := newRouter()
	j := request(t, "BYE sip:b@10.0.0.2", caller, "Route: <sip:10.0.0.9;lr>, <sip:10.0.0.3;lr>")
	if !r.LooseRoute(j, false) || j.Verified || j.Direction != job.NoDirection {
		t.Error("want it taken, and nothing verified")
	}
	if got := routes(j.Msg); got != "<sip:10.0.0.3;lr>" {
		t.Errorf("left %s", got)
	}
}
