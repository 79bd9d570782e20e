package vars

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

const invite = `INVITE sip:+49%2030@Example.net;user=phone;transport=tcp SIP/2.0
Via: SIP/2.0/UDP [2001:db8::5]:5062;branch=z9hG4bKa1
Max-Forwards: 70
f: "Alice \"A\"" <sip:alice:secret@[2001:db8::1]:5070;ob>;tag=f1
To: <sips:bob@example.net>;tag=t1
i: call-1@example.org
CSeq: 4711 INVITE
Contact: <tel:+4930>;q=0.5, <sip:alice@192.0.2.9>
Subject: a
  folded line
X-Twice: one
X-Twice: two
User-Agent: Phone/1.0
Content-Type: application/sdp
Content-Length: 0

`

const busy = `SIP/2.0 486 Busy Here
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa2
From: <sip:alice@example.org>;tag=f1
To: <sip:bob@example.net>
Call-ID: call-2
CSeq: 9 INVITE
Content-Length: 0

`

func message(t testing.TB, text string) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	return m
}

func newJob(t testing.TB, text string) *job.Job {
	ls := []transport.Listener{
		{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.10:5060")},
		{Transport: sip.TCP, Addr: netip.MustParseAddrPort("[2001:db8::10]:5060")},
	}
	return &job.Job{
		Msg:  message(t, text),
		Now:  time.Unix(1700000000, 0),
		Self: job.NewSelf(ls, nil, nil),
		Flow: transport.Flow{
			Transport: sip.TCP, Listener: 1,
			Local:  netip.MustParseAddrPort("[2001:db8::10]:5060"),
			Remote: netip.MustParseAddrPort("[::ffff:198.51.100.7]:4000"),
		},
	}
}

func value(t *testing.T, j *job.Job, name string) string {
	t.Helper()
	f, arg, ok := Lookup(name)
	if !ok {
		t.Fatalf("no field %q", name)
	}
	return string(f.Append([]byte("<"), j, arg)) + ">"
}

func TestFieldsOfARequest(t *testing.T) {
	tests := []struct{ name, want string }{
		{"ruri", "<sip:+49%2030@Example.net;user=phone;transport=tcp>"},
		{"ruri.scheme", "<sip>"},
		{"ruri.user", "<+49%2030>"},
		{"ruri.host", "<Example.net>"},
		{"ruri.port", "<5060>"},
		{"ruri.params.transport", "<tcp>"},
		{"ruri.params.none", "<>"},
		{"from", `<"Alice \"A\"" <sip:alice:secret@[2001:db8::1]:5070;ob>;tag=f1>`},
		{"from.uri", "<sip:alice:secret@[2001:db8::1]:5070;ob>"},
		{"from.display", `<"Alice \"A\"">`},
		{"from.user", "<alice>"},
		{"from.host", "<[2001:db8::1]>"},
		{"from.port", "<5070>"},
		{"from.tag", "<f1>"},
		{"from.params.ob", "<>"},
		{"to.scheme", "<sips>"},
		{"to.port", "<5061>"},
		{"to.tag", "<t1>"},
		{"to.display", "<>"},
		{"contact", "<<tel:+4930>;q=0.5, <sip:alice@192.0.2.9>>"},
		{"contact.scheme", "<tel>"},
		{"contact.user", "<+4930>"},
		{"contact.host", "<>"},
		{"contact.port", "<>"},
		{"method", "<INVITE>"},
		{"callid", "<call-1@example.org>"},
		{"cseq", "<4711>"},
		{"headers.From", `<"Alice \"A\"" <sip:alice:secret@[2001:db8::1]:5070;ob>;tag=f1>`},
		{"headers.call-id", "<call-1@example.org>"},
		{"headers.s", "<a folded line>"},
		{"headers.X-Twice", "<one>"},
		{"headers.X-None", "<>"},
		{"user_agent", "<Phone/1.0>"},
		{"body.type", "<application/sdp>"},
		{"max_forwards", "<70>"},
		{"in_dialog", "<true>"},
		{"direction", "<upstream>"},
		{"via.branch", "<z9hG4bKa1>"},
		{"via.host", "<[2001:db8::5]>"},
		{"time.unix", "<1700000000>"},
		{"source", "<198.51.100.7:4000>"},
		{"source.ip", "<198.51.100.7>"},
		{"source.port", "<4000>"},
		{"local", "<[2001:db8::10]:5060>"},
		{"local.ip", "<2001:db8::10>"},
		{"local.port", "<5060>"},
		{"transport", "<tcp>"},
		{"family", "<inet>"},
		{"listener", "<tcp:[2001:db8::10]:5060>"},
		{"status", "<408>"},
		{"reason", "<Request Timeout>"},
		{"cause", "<timeout>"},
	}
	j := newJob(t, invite)
	j.Direction, j.Status, j.Cause = job.Upstream, 408, job.CauseTimeout
	for _, tt := range tests {
		if got := value(t, j, tt.name); got != tt.want {
			t.Errorf("%s: want %s, got %s", tt.name, tt.want, got)
		}
	}
	if n, want := len(j.Msg.Raw()), value(t, j, "size"); want != fmt.Sprintf("<%d>", n) {
		t.Errorf("size: want %d, got %s", n, want)
	}
}

func TestFieldsOfAReply(t *testing.T) {
	j := newJob(t, busy)
	j.Status = 486
	for _, tt := range []struct{ name, want string }{
		{"status", "<486>"}, {"reason", "<Busy Here>"}, {"cause", "<>"}, {"method", "<INVITE>"},
		{"from.user", "<alice>"}, {"to.tag", "<>"}, {"in_dialog", "<false>"}, {"ruri", "<>"},
		{"ruri.user", "<>"}, {"max_forwards", "<>"}, {"contact", "<>"}, {"contact.uri", "<>"},
	} {
		if got := value(t, j, tt.name); got != tt.want {
			t.Errorf("%s: want %s, got %s", tt.name, tt.want, got)
		}
	}
}

// A job that has no flow, as of a message made here, leaves its fields unset.
func TestFieldsOfNoFlow(t *testing.T) {
	j := &job.Job{Msg: message(t, invite)}
	for _, name := range []string{"source", "source.ip", "source.port", "local", "local.ip",
		"local.port", "transport", "family", "listener", "status", "reason", "cause", "direction"} {
		if got := value(t, j, name); got != "<>" {
			t.Errorf("%s: want nothing, got %s", name, got)
		}
	}
}

func TestEditsAreSeen(t *testing.T) {
	j := newJob(t, invite)
	j.Msg.SetRURI([]byte("sip:carol@192.0.2.3:5099"))
	j.Msg.RemoveAll("Subject")
	j.Msg.Prepend(sip.UserAgent, []byte("edge"))
	for _, tt := range []struct{ name, want string }{
		{"ruri.user", "<carol>"}, {"ruri.port", "<5099>"}, {"headers.Subject", "<>"},
		{"user_agent", "<edge>"},
	} {
		if got := value(t, j, tt.name); got != tt.want {
			t.Errorf("%s: want %s, got %s", tt.name, tt.want, got)
		}
	}
}

// Every field writes on every kind of job without an allocation.
func TestFieldsAllocateNothing(t *testing.T) {
	dst := make([]byte, 0, 4096)
	for _, text := range []string{invite, busy} {
		j := newJob(t, text)
		j.Status, j.Cause, j.Direction = 408, job.CauseTransport, job.Downstream
		for _, f := range Fields() {
			if n := testing.AllocsPerRun(20, func() { f.Append(dst, j, "Subject") }); n != 0 {
				t.Errorf("%s: want 0 allocations, got %v", f.Name, n)
			}
		}
	}
}

func TestRegistry(t *testing.T) {
	fields := Fields()
	if !slices.IsSortedFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted by name")
	}
	for i, f := range fields {
		if i > 0 && f.Name == fields[i-1].Name {
			t.Errorf("%s: twice", f.Name)
		}
		if f.Doc == "" || !strings.HasSuffix(f.Doc, ".") || f.Where == 0 || f.Append == nil {
			t.Errorf("%s: incomplete", f.Name)
		}
		if (f.Type == Int) != (f.Int != nil) || (f.Type == Bool) != (f.Bool != nil) ||
			(f.Type == IP) != (f.Addr != nil) {
			t.Errorf("%s: type %v without its accessor", f.Name, f.Type)
		}
		if on := f.Where & schema.InReply; strings.HasPrefix(f.Name, "ruri") && on != 0 {
			t.Errorf("%s: a response has none", f.Name)
		}
	}
	for _, name := range []string{"", "headers", "headers.", "headers.*", "nope", "ruri.params"} {
		if f, arg, ok := Lookup(name); ok {
			t.Errorf("%q: want none, got %s with %q", name, f.Name, arg)
		}
	}
}
