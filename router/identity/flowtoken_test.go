package identity

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/sip/transport"
)

// Whoever is behind a WebSocket is reached over it from the other side, in both directions.
func TestFlowTokens(t *testing.T) {
	r := newRouter()
	udp, tcp := Side{Listener: 0}, Side{Listener: 1, Conn: 0x50001}
	one, two := Side{Listener: 3, Conn: 0x60003}, Side{Listener: 3, Conn: 0x70003}
	for _, in := range []Side{udp, tcp, one, two} {
		for _, out := range []Side{udp, tcp, one, two} {
			for _, params := range []string{"", ";x=1"} {
				j := request(t, "INVITE sip:b@x", "From: <sip:a@x>;tag=aa", "To: <sip:b@x>")
				s := Stamp{RecordRoute: new(job.RecordRoute), Params: []byte(params)}
				s.Mark(r, j.Msg, r.AppendVia(nil, out.Listener), in, out)
				set := recordRoutes(j.Msg)
				upstream := request(t, "BYE sip:a@x.invalid", callee, "Route: "+strings.Join(set, ","))
				slices.Reverse(set)
				downstream := request(t, "BYE sip:b@x.invalid", caller, "Route: "+strings.Join(set, ","))
				leaves(t, r, upstream, job.Upstream, in, params)
				leaves(t, r, downstream, job.Downstream, out, params)
			}
		}
	}
}

// leaves fails the test unless a request leaves by a side, over its WebSocket if it is one.
func leaves(t *testing.T, r *Router, j *job.Job, d job.Direction, s Side, params string) {
	t.Helper()
	if !r.LooseRoute(j, true) || j.Direction != d || string(j.RRParams) != params ||
		routes(j.Msg) != "" {
		t.Errorf("direction %d, params %q, left %q", j.Direction, j.RRParams, routes(j.Msg))
	}
	to := j.Member()
	switch {
	case s.Listener != 3:
		if to.NextHop != nil || to.Conn != 0 {
			t.Errorf("leaves to %+v, want no connection", to)
		}
	case to.Conn != s.Conn, !to.Local, to.Socket(transport.AnyListener) != 3,
		string(to.NextHop) != "sip:10.0.0.9:8080;transport=ws":
		t.Errorf("leaves to %+v, want connection %x", to, s.Conn)
	}
}

// A token that is not ours leads nowhere.
func TestForgedFlowTokens(t *testing.T) {
	r := newRouter()
	ours := ownOver(r, Side{Listener: 3, Conn: 0x60003}, false, "")
	for name, route := range map[string]string{
		"another connection": strings.Replace(ours, "flow=60003", "flow=70003", 1),
		"one more":           strings.Replace(ours, ";lr", ";flow=70003;lr", 1),
		"none":               strings.Replace(ours, ";flow=60003", "", 1),
	} {
		j := request(t, "BYE sip:a@x.invalid", callee, "Route: "+route)
		if r.LooseRoute(j, true) || j.Own.Conn != 0 {
			t.Errorf("%s: taken, leaves to %+v", name, j.Member())
		}
	}
	// A tag that is ours, for a connection that is no WebSocket's.
	j := request(t, "BYE sip:a@10.0.0.1", callee,
		"Route: <sip:10.0.0.9:8080;transport=ws;lr;t="+mac(r, ";flow=50001")+";flow=50001>")
	if !r.LooseRoute(j, true) || j.Own.Conn != 0 {
		t.Errorf("leaves to %+v, want no connection", j.Member())
	}
	// Without a look at the tag nothing is believed.
	j = request(t, "BYE sip:a@x.invalid", callee,
		"Route: "+strings.Replace(ours, "flow=60003", "flow=70003", 1))
	if !r.LooseRoute(j, false) || j.Own.Conn != 0 {
		t.Errorf("unverified: leaves to %+v, want no connection", j.Member())
	}
}

// The flow of a client that keeps one by UDP is good in its dialog and as it was written: changed
// in any place, of another dialog or of a Path, it is that of nobody.
func TestForgedFlows(t *testing.T) {
	r := newRouter()
	side := Side{Remote: netip.MustParseAddrPort("198.51.100.7:40001"), Flow: true}
	ours := ownOver(r, side, false, "")
	ask := func(route string, verify bool) (*job.Job, bool) {
		j := request(t, "BYE sip:a@192.168.1.7", callee, "Route: "+route)
		return j, r.LooseRoute(j, verify)
	}
	j, ok := ask(ours, true)
	if to := j.Member(); !ok || string(to.NextHop) != "sip:198.51.100.7:40001;transport=udp" ||
		to.Local || !to.Flow {
		t.Fatalf("ours: %v, leads to %+v", ok, j.Member())
	}
	start := strings.Index(ours, ";flow=") + len(";flow=")
	token := ours[start : start+strings.IndexAny(ours[start:], ";>")]
	other := flowTokenOf(r, side, "another call")
	path := string(r.AppendPath(nil, transport.Flow{Remote: side.Remote}))
	forged := map[string]string{
		"another dialog's": other, "a Path's": strings.TrimPrefix(path, ";flow="),
		"another address":  strings.Replace(token, ".c6336407.", ".c6336408.", 1),
		"another port":     strings.Replace(token, ".9c41.", ".9c42.", 1),
		"another listener": "1" + token[1:],
		"a connection":     strings.Replace(token, ".0.", ".5.", 1),
	}
	for i := range token {
		digit := byte('0')
		if token[i] == '0' {
			digit = '1'
		}
		forged[fmt.Sprint("digit ", i)] = token[:i] + string(digit) + token[i+1:]
	}
	for name, f := range forged {
		route := strings.Replace(ours, token, f, 1)
		if f == token || route == ours {
			t.Fatalf("%s: nothing is forged", name)
		}
		if j, ok := ask(route, true); ok || j.Own.NextHop != nil {
			t.Errorf("%s: taken, leads to %+v", name, j.Member())
		}
		// Where tags are not looked at, the Route is taken and the token leads nowhere.
		if j, ok := ask(route, false); !ok || j.Own.NextHop != nil {
			t.Errorf("%s, unverified: %v, leads to %+v", name, ok, j.Member())
		}
	}
	stolen := string(r.appendRecordRoute([]byte("<sip:"),
		dialog{[]byte("another call"), []byte("aa")}, side, nil, false, nil))
	for _, verify := range []bool{true, false} {
		if j, ok := ask(stolen, verify); ok == verify || j.Own.NextHop != nil {
			t.Errorf("of another dialog: %v, leads to %+v", ok, j.Member())
		}
	}
}

// flowTokenOf is the token of a side in the dialog of a Call-ID.
func flowTokenOf(r *Router, s Side, callID string) string {
	return strings.TrimPrefix(string(r.appendToken(nil, s, []byte(callID))), ";flow=")
}

func mac(r *Router, params string) string {
	return string(appendMAC(nil, r.routeSum([]byte("c"), []byte("aa"), []byte(params))))
}
