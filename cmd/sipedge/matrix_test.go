package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	sipgosip "github.com/emiago/sipgo/sip"

	"sipedge/sip/transport/transporttest"
)

const matrixPolicy = `version: 1
log: {format: json}
admin: {listen: "127.0.0.1:0"}
allow_targets: [127.0.0.0/8, "::1"]
listen:
  - {udp: "127.0.0.1:0"}
  - {udp: "[::1]:0"}
  - {tcp: "127.0.0.1:0"}
  - {tcp: "[::1]:0"}
  - {tls: "127.0.0.1:0", certificate: edge}
  - {tls: "[::1]:0", certificate: edge}
  - {ws: "127.0.0.1:0"}
  - {ws: "[::1]:0"}
  - {wss: "127.0.0.1:0", certificate: edge}
  - {wss: "[::1]:0", certificate: edge}
certificates: {edge: {cert: CERT, key: KEY, ca: AUTHORITY}}
domains: [example.net]
backends: {contacts: {memory: {}}}
routes:
  request:
    - match: {in_dialog: true}
      do: [{loose_route: {on_none: stranger}}, {relay: {}}]
    - match: {method: REGISTER, to: {myself: true}}
      do: [{save: {location: contacts, aor: "{to.user}@example.net"}}]
    - match: {uri: {myself: true}}
      do:
        - lookup: {location: contacts, aor: "{ruri.user}@example.net"}
        - record_route: {}
        - relay: {}
    - do: [{reply: {code: 403}}]
  sub: {stranger: [{do: [{reply: {code: 481}}]}]}
`

// matrix is a server of every transport and family, and who trusts it, by a CA in a file.
func matrix(t *testing.T) (s *server, authority string, trust, shown *tls.Config) {
	t.Helper()
	ca := transporttest.NewAuthority(t)
	cert, key, _ := ca.Issue("edge", transporttest.Names("127.0.0.1", "::1"))
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(ca.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	s = startServer(t, strings.NewReplacer("CERT", cert, "KEY", key, "AUTHORITY", ca.CA).
		Replace(matrixPolicy))
	return s, ca.CA, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"},
		&tls.Config{Certificates: []tls.Certificate{pair}}
}

// Phones of every transport and family call phones of every other: the call, a re-INVITE from
// either side, and the BYE of either side go by Record-Route.
func TestMatrix(t *testing.T) {
	s, _, trust, shown := matrix(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second,
		sipgo.WaitAnswerForceCancelErr) // nobody waits for what CANCEL brings
	defer cancel()
	var phones []*sipgoPhone
	for _, transport := range []string{"udp", "tcp", "tls", "ws", "wss"} {
		for i, v6 := range []bool{false, true} {
			p := newSipgoPhone(t, fmt.Sprint(transport, 4+2*i), transport, s.addr(transport, v6),
				trust, shown)
			p.register(ctx, t)
			phones = append(phones, p)
		}
	}
	var calls atomic.Int64
	t.Run("calls", func(t *testing.T) {
		for _, a := range phones {
			for _, b := range phones {
				for _, callee := range []bool{false, true} {
					if a == b {
						continue
					}
					t.Run(fmt.Sprintf("%s to %s, callee ends %v", a.name, b.name, callee),
						func(t *testing.T) {
							t.Parallel()
							callAndEnd(ctx, t, a, b, callee)
							calls.Add(1)
						})
				}
			}
		}
	})
	if n := calls.Load(); n != 180 {
		t.Errorf("%d calls, want 180", n)
	}
}

// callAndEnd has a call b, either change the call, and one of them end it.
func callAndEnd(ctx context.Context, t *testing.T, a, b *sipgoPhone, calleeEnds bool) {
	if ctx.Err() != nil {
		t.Fatal("no time left: calls before it did not go through")
	}
	began := time.Now()
	r := a.request(t, sipgosip.INVITE, "sip:"+b.name+"@example.net")
	id := sipgosip.CallIDHeader(strings.ReplaceAll(t.Name(), " ", "-"))
	r.AppendHeader(&id)
	incoming := b.incoming(id.Value())
	out, err := a.calling.WriteInvite(ctx, r)
	if err != nil {
		t.Fatalf("INVITE: %v", err)
	}
	if err := out.WaitAnswer(ctx, sipgo.AnswerOptions{}); err != nil {
		t.Fatalf("the answer: %v", err)
	}
	if err := out.Ack(ctx); err != nil {
		t.Fatalf("ACK: %v", err)
	}
	var in sipgoDialog
	select {
	case call := <-incoming:
		in = call
		if got := call.InviteRequest.Transport(); !strings.EqualFold(got, b.transport) {
			t.Errorf("it comes by %s, want %s", got, b.transport)
		}
		err = reinvite(ctx, in, call.InviteRequest.Contact())
	case <-ctx.Done():
		t.Fatal("the ACK does not arrive")
	}
	if err != nil {
		t.Fatalf("from the callee: %v", err)
	}
	if err := reinvite(ctx, out, out.InviteResponse.Contact()); err != nil {
		t.Fatalf("from the caller: %v", err)
	}
	caller, callee := map[string]int{"ACK": 1, "INVITE": 1}, map[string]int{"ACK": 2, "INVITE": 2}
	ends := sipgoDialog(out)
	if calleeEnds {
		ends, caller["BYE"] = in, 1
	} else {
		callee["BYE"] = 1
	}
	if err := ends.Bye(ctx); err != nil {
		t.Fatalf("BYE: %v", err)
	}
	late := time.Since(began) >= sipgosip.T1 // a 200 may have been sent again, and its ACK
	await(t, 10*time.Second, func() (string, bool) {
		atCaller, atCallee := a.requests(id.Value()), b.requests(id.Value())
		got := fmt.Sprintf("the caller hears %v, the callee %v", atCaller, atCallee)
		if late {
			atCallee["ACK"] = min(atCallee["ACK"], callee["ACK"])
		}
		return got, maps.Equal(atCaller, caller) && maps.Equal(atCallee, callee)
	})
}

// SIPp calls phones over WSS and TLS from UDP and from TCP, and hangs up.
func TestMatrixSIPp(t *testing.T) {
	needs(t, "sipp")
	s, _, trust, shown := matrix(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for caller, callee := range map[string]string{"udp": "wss", "tcp": "tls"} {
		newSipgoPhone(t, callee, callee, s.addr(callee, true), trust, shown).register(ctx, t)
		l := load{20, 40, callLength}
		to := s.addr(caller, false)
		local := netip.AddrPortFrom(to.Addr(), freePort(t))
		uac := startSIPp(t, "uac", caller, local, append(l.args(), "-s", callee, to.String())...)
		if n, _ := uac.wait(20 * time.Second); n != l.calls {
			t.Errorf("%d calls of %s to %s, want %d", n, caller, callee, l.calls)
		}
	}
}

// baresip registers over TLS, is called by a phone over WSS, which hangs up.
func TestMatrixBaresip(t *testing.T) {
	needs(t, "baresip")
	s, authority, trust, shown := matrix(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second,
		sipgo.WaitAnswerForceCancelErr)
	defer cancel()
	other := newSipgoPhone(t, "other", "wss", s.addr("wss", true), trust, shown)
	other.register(ctx, t)
	bob := startPhoneWith(t, "sip_cafile "+authority+"\n", "bob", "none", s.addr("tls", false), "tls",
		";answermode=auto")
	await(t, 20*time.Second, func() (string, bool) {
		n := s.metric(`sipedge_bindings{backend="contacts"}`)
		return fmt.Sprintf("%v bindings", n), n == 2
	})
	r := other.request(t, sipgosip.INVITE, "sip:bob@example.net")
	r.SetBody([]byte("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
		"m=audio 9 RTP/AVP 0\r\n"))
	r.AppendHeader(sipgosip.NewHeader("Content-Type", "application/sdp"))
	call, err := other.calling.WriteInvite(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := call.WaitAnswer(ctx, sipgo.AnswerOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := call.Ack(ctx); err != nil {
		t.Fatal(err)
	}
	bob.hears("Call established")
	if err := call.Bye(ctx); err != nil {
		t.Fatal(err)
	}
	bob.hears("session closed")
}
