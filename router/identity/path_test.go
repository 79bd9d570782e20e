package identity

import (
	"net/netip"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// What a REGISTER leaves with leads back to where it came from, after a restart too, by whatever
// listener; changed in any place, to another purpose or to a listener of another address, nowhere.
func TestPath(t *testing.T) {
	r := newRouter()
	flows := []transport.Flow{
		{Transport: sip.UDP, Remote: netip.MustParseAddrPort("198.51.100.7:40001")},
		{Transport: sip.TCP, Listener: 1, Conn: 0x50001,
			Remote: netip.MustParseAddrPort("198.51.100.7:40002")},
		{Transport: sip.WS, Listener: 3, Conn: 0x60003,
			Remote: netip.MustParseAddrPort("[2001:db8::7]:65535")},
	}
	hops := []string{
		"sip:198.51.100.7:40001;transport=udp", "sip:198.51.100.7:40002;transport=tcp",
		"sip:[2001:db8::7]:65535;transport=ws",
	}
	for i, f := range flows {
		for out := range uint16(3) {
			m := request(t, "REGISTER sip:x", "From: <sip:a@x>;tag=aa", "To: <sip:a@x>",
				"Path: <sip:inner;lr>").Msg
			s := Stamp{RecordRoute: &job.RecordRoute{}, Params: append(r.AppendPath(nil, f), ";ob"...)}
			in := Side{Listener: f.Listener, Conn: f.Conn}
			for _, again := range []uint16{0, out} { // a second hop
				s.Mark(r, m, r.AppendVia(nil, again), in, Side{Listener: again})
			}
			path := string(m.Get(sip.Path))
			if m.Has(sip.RecordRoute) || strings.Count(string(m.AppendTo(nil)), ";flow=") != 1 {
				t.Fatalf("REGISTER leaves as\n%s", m.AppendTo(nil))
			}
			back := func(r *Router, path string, fields ...string) (*job.Job, bool) {
				j := request(t, "INVITE sip:a@10.1.1.1", append(fields, "From: <sip:b@x>;tag=bb",
					"Route: "+path, "Route: <sip:inner;lr>")...)
				return j, r.LooseRoute(j, true)
			}
			j, ok := back(New(listeners, []byte("secret")), path, "To: <sip:a@x>")
			to := j.Member()
			if !ok || string(to.NextHop) != hops[i] || to.Conn != f.Conn || to.Local || !to.Flow ||
				to.Socket(transport.AnyListener) != f.Listener || routes(j.Msg) != "<sip:inner;lr>" {
				t.Errorf("%s: %v, leads to %+v, left %s", path, ok, to, routes(j.Msg))
			}
			if _, ok := back(r, path, "To: <sip:a@x>;tag=aa"); ok {
				t.Errorf("%s is taken within a dialog", path)
			}
			moved := append([]transport.Listener(nil), listeners...)
			moved[f.Listener].Addr = netip.MustParseAddrPort("10.0.0.77:5060")
			if _, ok := back(New(moved, []byte("secret")), path, "To: <sip:a@x>"); ok {
				t.Errorf("%s leads to a listener of another address", path)
			}
			from := strings.Index(path, ";flow=") + len(";flow=")
			for n := from; n < strings.Index(path, ";ob"); n++ {
				changed := []byte(path)
				changed[n] ^= 1
				if _, ok := back(r, string(changed), "To: <sip:a@x>"); ok {
					t.Fatalf("%s is taken", changed)
				}
			}
			contact := string(r.AppendFlow([]byte("<sip:10.0.0.9:5060;lr"), []byte(""), f, []byte("c")))
			if _, ok := back(r, contact+">", "To: <sip:a@x>"); ok {
				t.Errorf("%s is taken for a Path", contact)
			}
		}
	}
}
