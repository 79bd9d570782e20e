package identity

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

func recordRoutes(m *sip.Message) (list []string) {
	for e, ok := m.FirstElement(sip.RecordRoute); ok; e, ok = m.NextElement(e) {
		list = append(list, string(e.Value))
	}
	return list
}

// Whatever sockets a request came and left by, and whatever the parameters:
// both sides come back by the route set they made of it, know their
// direction, and leave by the other side's socket.
func TestRecordRouteComesBack(t *testing.T) {
	r := newRouter()
	for in := range uint16(3) {
		for out := range uint16(3) {
			for _, params := range []string{"", ";x=1", ";a;b=2;c=%41"} {
				j := request(t, "INVITE sip:b@x", "From: <sip:a@x>;tag=aa", "To: <sip:b@x>")
				s := Stamp{RecordRoute: new(job.RecordRoute), Params: []byte(params)}
				s.Mark(r, j.Msg, r.AppendVia(nil, out), Side{Listener: in}, Side{Listener: out})
				set := recordRoutes(j.Msg)
				callee1 := request(t, "BYE sip:a@10.0.0.1", callee, "Route: "+strings.Join(set, ","))
				slices.Reverse(set)
				caller1 := request(t, "BYE sip:b@10.0.0.2", caller, "Route: "+strings.Join(set, ","))
				check(t, r, callee1, job.Upstream, in, in != out, params)
				check(t, r, caller1, job.Downstream, out, in != out, params)
			}
		}
	}
}

// TestPreset: names of the policy's, which lead both sides back as those of the listeners do.
func TestPreset(t *testing.T) {
	r := newRouter()
	inside, outside := []byte("10.0.0.9"), []byte("edge.example.net:5060")
	for _, tt := range []struct {
		as      job.RecordRoute
		in, out uint16
		want    string
	}{
		{job.RecordRoute{In: outside, Out: outside}, 0, 0, "<sip:edge.example.net:5060;lr;x=1>"},
		{job.RecordRoute{In: outside, Out: outside}, 0, 1,
			"<sip:edge.example.net:5060;transport=tcp;lr;r2=on;x=1>, " +
				"<sip:edge.example.net:5060;lr;r2=on;x=1>"},
		{job.RecordRoute{In: outside, Out: inside}, 0, 0,
			"<sip:10.0.0.9;lr;r2=on;x=1>, <sip:edge.example.net:5060;lr;r2=on;x=1>"},
	} {
		j := request(t, "INVITE sip:b@x", "From: <sip:a@x>;tag=aa", "To: <sip:b@x>")
		s := Stamp{RecordRoute: &tt.as, Params: []byte(";x=1")}
		s.Mark(r, j.Msg, r.AppendVia(nil, tt.out), Side{Listener: tt.in}, Side{Listener: tt.out})
		set := recordRoutes(j.Msg)
		if got := tags.ReplaceAllString(strings.Join(set, ", "), ""); got != tt.want {
			t.Errorf("want %s, got %s", tt.want, got)
		}
		routes := "Route: " + strings.Join(set, ",")
		forged := strings.Replace(routes, "x=1", "x=2", 1)
		for text, want := range map[string]bool{routes: true, forged: false} {
			back := request(t, "BYE sip:a@10.0.0.1", callee, text)
			back.Self = job.NewSelf(listeners, nil, []string{"edge.example.net:5060"})
			if got := r.LooseRoute(back, true); got != want || want && back.Msg.Has(sip.Route) {
				t.Errorf("%s: want %t, got %t", text, want, got)
			}
		}
	}
}

var tags = regexp.MustCompile(";t=[0-9a-f]{16}")

func check(
	t *testing.T, r *Router, j *job.Job, d job.Direction, socket uint16, pair bool, params string,
) {
	t.Helper()
	if !pair {
		socket = transport.AnyListener
	}
	if !r.LooseRoute(j, true) || j.Direction != d || j.SendSocket != socket ||
		string(j.RRParams) != params || j.Msg.Has(sip.Route) {
		t.Errorf("direction %d, socket %d, params %q: got %d, %d, %q, left %s",
			d, socket, params, j.Direction, j.SendSocket, j.RRParams, routes(j.Msg))
	}
}

// With another hop the marks are written anew, and Clear takes them off.
func TestStampAgain(t *testing.T) {
	r := newRouter()
	j := request(t, "INVITE sip:b@x", "From: <sip:a@x>;tag=aa", "To: <sip:b@x>",
		"Record-Route: <sip:10.0.0.7;lr>")
	before := string(j.Msg.AppendTo(nil))
	s := Stamp{RecordRoute: new(job.RecordRoute)}
	for _, out := range []uint16{1, 0, 2} {
		s.Mark(r, j.Msg, append(r.AppendVia(nil, out), "z9hG4bKx"...), Side{}, Side{Listener: out})
		v, _ := j.Msg.TopVia()
		want := 2
		if out != 0 {
			want = 3
		}
		if got := len(recordRoutes(j.Msg)); got != want || string(v.Branch) != "z9hG4bKx" {
			t.Errorf("leaving by %d: %d Record-Routes, branch %s", out, got, v.Branch)
		}
		if e, ok := j.Msg.NextElement(v.Element); !ok || !strings.Contains(string(e.Value), "z9hG4bK1") {
			t.Errorf("leaving by %d: the Via below is %s", out, e.Value)
		}
	}
	s.Clear(j.Msg)
	if got := string(j.Msg.AppendTo(nil)); got != before {
		t.Errorf("after Clear:\n%s", got)
	}
	reg := request(t, "REGISTER sip:x", "From: <sip:a@x>;tag=aa", "To: <sip:a@x>")
	s.Mark(r, reg.Msg, append(r.AppendVia(nil, 0), "z9hG4bKx"...), Side{}, Side{})
	if reg.Msg.Has(sip.RecordRoute) {
		t.Error("Record-Route on a REGISTER")
	}
}

// A request that comes back as it was has looped; what routing depends on
// makes a spiral, and CANCEL and ACK have the token of their INVITE.
func TestLoopToken(t *testing.T) {
	r := newRouter()
	const from, to = "From: <sip:a@x>;tag=aa", "To: <sip:b@x>"
	first, looped := r.Token(request(t, "INVITE sip:b@x", from, to))
	if looped {
		t.Fatal("looped before it was here")
	}
	back := func(j *job.Job, host string) bool {
		via := "SIP/2.0/UDP " + host + ";branch=z9hG4bK" + string(first[:])
		j.Msg.Append(sip.Via, []byte(via))
		_, looped := r.Token(j)
		return looped
	}
	if !back(request(t, "INVITE sip:b@x", from, to), "10.0.0.9:5060") {
		t.Error("a loop passes")
	}
	if back(request(t, "INVITE sip:b@x", from, to), "10.0.0.8:5060") {
		t.Error("a Via of somebody else counts")
	}
	spirals := map[string]*job.Job{
		"Request-URI": request(t, "INVITE sip:c@x", from, to),
		"From tag":    request(t, "INVITE sip:b@x", "From: <sip:a@x>;tag=ab", to),
		"Route":       request(t, "INVITE sip:b@x", from, to, "Route: <sip:10.0.0.7;lr>"),
		"source":      request(t, "INVITE sip:b@x", from, to),
		"listener":    request(t, "INVITE sip:b@x", from, to),
		"received":    request(t, "INVITE sip:b@x", from, to),
	}
	spirals["source"].Flow.Remote = spirals["source"].Flow.Local
	spirals["listener"].Flow.Listener = 1
	spirals["received"].Received = []byte("sip:d@x")
	for name, j := range spirals {
		if back(j, "10.0.0.9:5060") {
			t.Errorf("another %s is a loop", name)
		}
	}
	for _, j := range []*job.Job{
		request(t, "CANCEL sip:b@x", from, to),
		request(t, "ACK sip:b@x", from, to+";tag=bb"),
	} {
		if got, _ := r.Token(j); got != first {
			t.Errorf("%s has another token", j.Msg.MethodName())
		}
	}
}
