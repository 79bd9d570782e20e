package proxy

import (
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

func topVia(t *testing.T, b []byte) string {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse(b); err != nil {
		t.Fatal(err)
	}
	v, ok := m.TopVia()
	if !ok {
		t.Fatal("no Via")
	}
	return string(v.Branch)
}

// forward sends the text on and returns the branch it left with.
func forward(t *testing.T, p *Proxy, s *sender, via, start, to string) string {
	t.Helper()
	j := request(t, p, start, "From: <sip:a@x>;tag=aa", to)
	e, _ := j.Msg.FirstElement(sip.Via)
	j.Msg.SetElement(e, []byte(via))
	j.Msg.MarkReceived(j.Flow.Remote, false)
	if v := p.Forward(j, []byte("sip:10.0.0.2"), nexthop.Own, nil); v != job.Done || !j.Answered {
		t.Fatalf("%s: verdict %d", start, v)
	}
	return topVia(t, s.last)
}

// RFC 3261 §16.11: the branch is a function of the request's transaction.
func TestDeterministicBranch(t *testing.T) {
	p, s := newProxy()
	const (
		v1, v2 = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2"
		old    = "SIP/2.0/UDP 10.0.0.1;branch=1"
		bare   = "SIP/2.0/UDP 10.0.0.1"
		other  = "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK1"
		early  = "To: <sip:b@x>"
		tagged = "To: <sip:b@x>;tag=bb"
	)
	for _, via := range []string{v1, old, bare} {
		invite := forward(t, p, s, via, "INVITE sip:b@x", early)
		if again := forward(t, p, s, via, "INVITE sip:b@x", early); again != invite {
			t.Errorf("%s: a retransmission has another branch", via)
		}
		if c := forward(t, p, s, via, "CANCEL sip:b@x", early); c != invite {
			t.Errorf("%s: the CANCEL has another branch", via)
		}
		if a := forward(t, p, s, via, "ACK sip:b@x", tagged); a != invite {
			t.Errorf("%s: the ACK has another branch", via)
		}
	}
	seen := map[string]string{}
	for _, via := range []string{v1, v2, old, bare, other} {
		b := forward(t, p, s, via, "INVITE sip:b@x", early)
		if was, ok := seen[b]; ok {
			t.Errorf("%s and %s have the same branch", via, was)
		}
		seen[b] = via
	}
}

// seeded is a resolver that keeps with which seeds it was asked, and knows nothing at once.
type seeded struct {
	noNames
	seeds []uint64
}

func (s *seeded) Cached(dst []resolve.Hop, q resolve.Query) ([]resolve.Hop, bool, error) {
	s.seeds = append(s.seeds, q.Seed)
	return append(dst, resolve.Hop{
		Transport: sip.UDP, Addr: netip.MustParseAddrPort("10.0.0.2:5060"),
	}), true, nil
}

// RFC 3263 §4.4: without state the servers of a name are chosen by the transaction of the request.
func TestDeterministicServer(t *testing.T) {
	_, s := newProxy()
	names := &seeded{}
	p := New(Config{Sender: s, Resolver: names, Secret: [32]byte{7}})
	p.SetSettings(&Settings{Self: job.NewSelf(s.listeners, nil, nil)})
	next := []byte("sip:gw.example.net")
	send := func(via, start, to string) uint64 {
		j := request(t, p, start, "From: <sip:a@x>;tag=aa", to)
		e, _ := j.Msg.FirstElement(sip.Via)
		j.Msg.SetElement(e, []byte(via))
		j.Msg.MarkReceived(j.Flow.Remote, false)
		if v := p.Forward(j, next, nexthop.Own, nil); v != job.Done || !j.Answered {
			t.Fatalf("%s: verdict %d", start, v)
		}
		return names.seeds[len(names.seeds)-1]
	}
	const one, other = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2"
	invite := send(one, "INVITE sip:b@x", "To: <sip:b@x>")
	for _, start := range []string{"INVITE sip:b@x", "CANCEL sip:b@x", "ACK sip:b@x"} {
		if seed := send(one, start, "To: <sip:b@x>;tag=bb"); seed != invite || seed == 0 {
			t.Errorf("%s: seed %x, of the INVITE %x", start, seed, invite)
		}
	}
	if seed := send(other, "INVITE sip:b@x", "To: <sip:b@x>"); seed == invite {
		t.Error("another transaction has the same seed")
	}
}

func TestReplyTarget(t *testing.T) {
	udp := transport.Flow{Transport: sip.UDP, Listener: 3,
		Remote: netip.MustParseAddrPort("192.0.2.1:40000")}
	tcp := udp
	tcp.Transport, tcp.Conn = sip.TCP, 9
	tests := []struct {
		name, via string
		f         transport.Flow
		want      string
	}{
		{"sent-by port", "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1", udp, "192.0.2.1:5070"},
		{"default port", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", udp, "192.0.2.1:5060"},
		{"rport", "SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK1", udp, "192.0.2.1:40000"},
		{"another sent-by", "SIP/2.0/UDP pc.example.org:5070;branch=z9hG4bK1", udp, "192.0.2.1:5070"},
		{"maddr is not believed", "SIP/2.0/UDP 192.0.2.1;maddr=224.0.0.1;branch=z9hG4bK1", udp,
			"192.0.2.1:5060"},
		{"received is not believed", "SIP/2.0/UDP 192.0.2.1;received=10.9.9.9;branch=z9hG4bK1", udp,
			"192.0.2.1:5060"},
		{"a stream", "SIP/2.0/TCP 192.0.2.1:5070;rport;branch=z9hG4bK1", tcp, "192.0.2.1:5070"},
		{"a stream, default port", "SIP/2.0/TCP pc.example.org;branch=z9hG4bK1", tcp, "192.0.2.1:5060"},
	}
	// Over TLS a new connection has to be to whoever proved to be somebody.
	peer := func(domains ...string) transport.Flow {
		f := tcp
		f.Transport, f.Peer = sip.TLS, &transport.Peer{Domains: domains}
		return f
	}
	const byName, byAddr = "SIP/2.0/TLS SBC.example.org;branch=z9hG4bK1",
		"SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1"
	names := map[string]string{}
	for _, secure := range []struct {
		name, via string
		domains   []string
		want      string
	}{
		{"a peer's sent-by", byName, []string{"example.org", "sbc.example.org"}, "sbc.example.org"},
		{"sent-by is another", byName, []string{"*.example.org", "a.example", "b.example"}, "a.example"},
		{"sent-by is an address", byAddr, []string{"a.example", "b.example"}, "a.example"},
		{"a peer of an address", byAddr, nil, ""},
	} {
		row := tests[0]
		row.name, row.via, row.f = secure.name, secure.via, peer(secure.domains...)
		row.want, names[row.name] = "192.0.2.1:5061", secure.want
		tests = append(tests, row)
	}
	p, _ := newProxy()
	for _, tt := range tests {
		m := request(t, p, "OPTIONS sip:b@x", caller).Msg
		e, _ := m.FirstElement(sip.Via)
		m.SetElement(e, []byte(tt.via))
		m.MarkReceived(tt.f.Remote, false)
		want := transport.Target{Transport: tt.f.Transport, Listener: 3, Conn: tt.f.Conn,
			Remote: netip.MustParseAddrPort(tt.want), Name: sip.NewHostName(names[tt.name])}
		if got := identity.ReplyTarget(tt.f, m); got != want {
			t.Errorf("%s:\nwant %v\ngot  %v", tt.name, want, got)
		}
	}
}

// A response passes only back to where its request came from.
func TestStrayIsBound(t *testing.T) {
	p, s := newProxy()
	branch := forward(t, p, s, "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1", "INVITE sip:b@x",
		"To: <sip:b@x>")
	answer := func(branch, next, callID, cseq string) bool {
		text := "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=" + branch +
			"\r\nVia: " + next + "\r\nFrom: <sip:a@x>;tag=aa\r\nTo: <sip:b@x>;tag=bb\r\nCall-ID: " +
			callID + "\r\nCSeq: " + cseq + " INVITE\r\nContent-Length: 0\r\n\r\n"
		m := new(sip.Message)
		if err := m.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		was := p.Stats().Forwarded
		p.Stray(transport.Flow{Transport: sip.UDP}, m)
		return p.Stats().Forwarded > was
	}
	const next = "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1"
	if !answer(branch, next, "c", "1") {
		t.Fatal("the answer was dropped")
	}
	want := transport.Target{Transport: sip.UDP, Listener: transport.AnyListener,
		Remote: netip.MustParseAddrPort("10.0.0.1:5060")}
	if s.to != want {
		t.Errorf("went to %v", s.to)
	}
	if !answer(branch, strings.ReplaceAll(next, ";", " ; "), "c", "1") {
		t.Error("white space matters")
	}
	for _, forged := range [][4]string{
		{branch, strings.Replace(next, "10.0.0.1", "10.0.0.5", 1), "c", "1"},
		{branch, strings.Replace(next, "5060", "25", 1), "c", "1"},
		{branch, next + ";received=10.0.0.5", "c", "1"},
		{branch, next + ";rport=25", "c", "1"},
		{branch, strings.Replace(next, "UDP", "TCP", 1), "c", "1"},
		{branch, next, "d", "1"},
		{branch, next, "c", "2"},
		{branch[:len(branch)-1] + "g", next, "c", "1"},
		{branch[:len(branch)-16], next, "c", "1"},
	} {
		if answer(forged[0], forged[1], forged[2], forged[3]) {
			t.Errorf("%q passed", forged)
		}
	}
}
