package table

import (
	"iter"
	"net/netip"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

const invite = `INVITE sip:+49%2030@Example.NET.;user=phone;transport=TCP;lr SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa1
Max-Forwards: 68
f: "Alice" <sip:%61lice@[2001:DB8::0:1]:5070>;tag=f1
To: <tel:+49(30)123-45;phone-context=x>
i: call-1
CSeq: 1 INVITE
k: path, OutBound
Supported: timer
Contact: <sip:a@192.0.2.9>
X-Twice: one
X-Twice: Two, Three
X-Empty:
s: a
  folded line
User-Agent: FakePBX 1.2.3
Content-Length: 0

`

const reinvite = `UPDATE sips:bob@192.0.2.10 SIP/2.0
Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKa3
From: <sip:alice@example.org>;tag=f1
To: <sip:bob@example.net>;tag=t1
Call-ID: call-3
CSeq: 2 UPDATE
Content-Length: 0

`

const several = `INVITE sip:bob@example.net SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa5
From: <sip:alice@example.org>;tag=f1
To: <sip:bob@example.net>
Call-ID: call-5
CSeq: 1 INVITE
Contact: "A, B" <sip:al%20ice@example.net:5080>;x=1, <sip:bob@192.0.2.9;ob>
m: <sip:x@192.0.2.10>
Content-Type: Multipart/Mixed; boundary="b-1"
Content-Length: 337

--b-1
Content-Type: text/plain

m=video 9 RTP/AVP 0
--b-1
content-type: application/sdp;x=y

v=0
o=- 1 1 IN IP4 203.0.113.1
s=-
c=IN IP4 203.0.113.1
t=0 0
m=audio 5000 RTP/AVP 8 96 101 111
a=rtpmap:96 opus/48000/2
a=rtpmap:101 telephone-event/8000
m=video 0 RTP/AVP 97
a=rtpmap:97 H264/90000
c=IN IP4 10.1.2.3
--b-1--
`

const extension = `WIBBLE urn:service:sos SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa4
From: <sip:example.org>;tag=f1
To: <sip:bob@example.net>
Call-ID: call-4
CSeq: 1 WIBBLE
Content-Length: 0

`

const busy = `SIP/2.0 486 Busy Here
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa2
From: <sip:alice@example.org>;tag=f1
To: <sip:bob@example.net>;tag=t1
Call-ID: call-2
CSeq: 9 INVITE
Content-Length: 0

`

var self = job.NewSelf([]transport.Listener{
	{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.10:5060")},
	{Transport: sip.TLS, Addr: netip.MustParseAddrPort("192.0.2.10:5061")},
	{Transport: sip.UDP, Addr: netip.MustParseAddrPort("[2001:db8::10]:5060")},
}, []string{"example.net"}, nil)

func newJob(t testing.TB, text string) *job.Job {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	var peer *transport.Peer
	if text == reinvite { // the one that came over TLS
		peer = &transport.Peer{
			SAN: []string{"sip:a.example", "x.example"}, Domains: []string{"a.example"},
			Issuer: "CN=Test CA", Fingerprint: "0a1b",
		}
	}
	return &job.Job{
		Msg:  m,
		Self: self,
		Now:  now,
		Flow: transport.Flow{
			Transport: sip.UDP, Listener: 2,
			Local:  netip.MustParseAddrPort("[2001:db8::10]:5060"),
			Remote: netip.MustParseAddrPort("198.51.100.7:4000"),
			Peer:   peer,
		},
		Status: m.Status(),
	}
}

// Each line is a match; the message it stands under meets it, or with a ! in
// front does not.
var matches = []struct {
	name, message string
	where         schema.Place
	lines         string
}{
	{"method", invite, schema.InRequest, `
		method: INVITE
		method: [BYE, INVITE]
	!	method: BYE
	!	method: [WIBBLE, invite]
	`},
	{"peer", reinvite, schema.InRequest, `
		peer: true
	!	peer: false
		peer: {san: "sip:a.example"}
		peer: {san: [x.example, y.example], domain: a.example}
	!	peer: {san: a.example}
	!	peer: {domain: x.example}
		peer: {issuer: {suffix: CA}, fingerprint: 0a1b}
	!	peer: {fingerprint: "0a1c"}
	`},
	{"no peer", invite, schema.InRequest, `
		peer: false
	!	peer: true
	!	peer: {domain: {prefix: ""}}
	`},
	{"extension method", extension, schema.InRequest, `
		method: WIBBLE
		method: [INVITE, WIBBLE]
	!	method: WOBBLE
	!	method: INVITE
	`},
	{"method of a reply", busy, schema.InReply, `
		method: INVITE
	!	method: BYE
	`},
	{"uri", invite, schema.InRequest, `
		uri: {}
		uri: {myself: true}
	!	uri: {myself: false}
		uri: {scheme: sip}
		uri: {scheme: [tel, sip]}
	!	uri: {scheme: sips}
		uri: {user: "+49 30"}
	!	uri: {user: "+49%2030"}
		uri: {user: {prefix: "+49"}}
		uri: {user: {prefix: ["+1", "+49"], suffix: "30"}}
	!	uri: {user: {prefix: "+49", suffix: "31"}}
		uri: {user: ["x", {contains: " "}]}
		uri: {user: {regex: "^\\+[0-9 ]+$"}}
		uri: {user: {regex: "9 3"}}
	!	uri: {user: {regex: "^9"}}
		uri: {user: {empty: false}}
	!	uri: {user: {empty: true}}
		uri: {host: example.net}
		uri: {host: EXAMPLE.net.}
		uri: {host: {suffix: .NET}}
		uri: {host: {regex: "^Example"}}
		uri: {host: [example.com, example.net]}
	!	uri: {host: net}
		uri: {port: 5060}
		uri: {port: {min: 5000, max: 6000}}
		uri: {port: [1, 5060]}
	!	uri: {port: {min: 5061}}
	!	uri: {port: {max: 5059}}
		uri: {params: {transport: tcp, user: phone}}
		uri: {params: {TRANSPORT: [udp, {prefix: T}]}}
	!	uri: {params: {transport: udp}}
		uri: {params: {lr: true, maddr: false}}
	!	uri: {params: {lr: false}}
	!	uri: {params: {maddr: {empty: true}}}
		uri: {params: {lr: {empty: true}}}
		uri: {user: "+49 30", host: example.net}
	!	uri: {user: "+49 30", host: example.com}
	`},
	{"from and to", invite, schema.InRequest, `
		from: {user: alice}
		from: {user: {exact: ALICE, ignore_case: true}}
	!	from: {user: ALICE}
		from: {user: {prefix: aL, suffix: CE, contains: IC, ignore_case: true}}
		from: {user: {regex: "^ALICE$", ignore_case: true}}
	!	from: {user: {regex: "^ALICE$"}}
		from: {host: "2001:db8::1"}
		from: {host: "[2001:db8:0:0::1]"}
		from: {port: 5070, myself: false}
		to: {scheme: tel}
		to: {user: "+493012345"}
		to: {user: {prefix: "+4930"}}
		to: {myself: false, host: {empty: true}}
	!	to: {port: {max: 6000}}
	!	to: {port: {min: 0}}
		to: {params: {phone-context: X}}
	`},
	{"what is not there", extension, schema.InRequest, `
	!	uri: {scheme: [sip, sips, tel]}
		uri: {user: {empty: true}, host: {empty: true}, params: {lr: false}}
	!	uri: {user: {prefix: s}}
	!	uri: {port: {min: 0}}
		uri: {myself: false}
		from: {user: {empty: true}}
		from: {user: ""}
		to: {myself: true}
	!	max_forwards: {min: 0}
	!	headers: {Subject: {empty: true}}
	`},
	{"sips", reinvite, schema.InRequest, `
		uri: {myself: true, port: 5061, scheme: sips}
		from: {myself: false}
	`},
	{"headers", invite, schema.InRequest, `
		headers: {X-Twice: true}
		headers: {X-None: false}
	!	headers: {X-None: true}
	!	headers: {x-twice: false}
		headers: {X-Twice: one}
		headers: {x-twice: "Two, Three"}
	!	headers: {X-Twice: Two}
	!	headers: {X-Twice: two}
		headers: {X-Twice: {contains: three, ignore_case: true}}
	!	headers: {X-Twice: {prefix: o, suffix: Three}}
		headers: {X-Twice: {prefix: o}, User-Agent: {regex: "(?i)^fakepbx"}}
		headers: {From: {prefix: '"Alice"'}, f: true, Call-ID: call-1}
		headers: {Subject: "a folded line"}
		headers: {X-Empty: {empty: true}}
	!	headers: {X-Empty: {empty: false}}
		headers: {Supported: path, k: timer}
		headers: {Supported: {exact: outbound, ignore_case: true}}
	!	headers: {Supported: outbound}
	!	headers: {Supported: [100rel, replaces]}
		headers: {Supported: [100rel, timer]}
		headers: {Contact: {contains: "192.0.2.9"}}
		headers: {"X-Twice[0]": one, "x-twice[1]": "Two, Three", "X-Twice[-1]": {prefix: Two}}
		headers: {"X-Twice[-2]": true, "X-Twice[2]": false, "X-Twice[-3]": false, "X-None[0]": false}
	!	headers: {"X-Twice[1]": one}
	!	headers: {"X-Twice[-3]": true}
		headers: {"Supported[0]": path, "k[2]": timer, "Supported[-2]": OutBound}
	!	headers: {"Supported[1]": path}
	!	headers: {"Supported[3]": true}
	`},
	{"tables", invite, schema.InRequest, `
		from: {user: {in: some}}
		from: {user: {in: seen}}
	!	from: {user: {in: numbers}}
		uri: {host: {in: some}}
	!	uri: {user: {in: some}}
		to: {user: [x, {in: numbers}]}
	!	to: {user: {in: numbers, suffix: "9"}}
		from: {host: {in: nets}}
		from: {host: {in: seen}}
	!	uri: {host: {in: nets}}
		headers: {X-Twice: {in: some, ignore_case: true}}
	!	source: {in: nets}
	!	source: {in: seen}
		not: {source: {in: some}}
	`},
	{"contact", several, schema.InRequest, `
		contact: {}
		contact: {user: bob}
		contact: {user: "al ice", host: example.net, port: 5080}
		contact: {myself: true}
		contact: {myself: false}
	!	contact: {user: bob, host: example.net}
	!	contact: {scheme: tel}
		contact: {params: {ob: true}}
	`},
	{"body", several, schema.InRequest, `
		body: {type: multipart/mixed}
		body: {type: {prefix: MULTI, ignore_case: true}}
	!	body: {type: application/sdp}
		body: {sdp: {}}
		body: {sdp: {media: audio}}
		body: {sdp: {media: [image, audio], codec: pcma}}
		body: {sdp: {codec: OPUS}}
		body: {sdp: {codec: {prefix: telephone}}}
	!	body: {sdp: {codec: G729}}
	!	body: {sdp: {media: video}}
	!	body: {sdp: {codec: H264}}
		body: {sdp: {private_ip: true}}
	!	body: {sdp: {private_ip: false}}
	`},
	{"no body", invite, schema.InRequest, `
		body: {}
		body: {type: {empty: true}}
	!	body: {sdp: {}}
	!	body: {sdp: {private_ip: false}}
	`},
	{"time", invite, schema.InRequest, `
		time: {}
		time: {days: [mon]}
	!	time: {days: [sun, tue]}
		time: {from: "14:30", to: "14:31"}
	!	time: {from: "14:31"}
	!	time: {to: "14:30"}
		time: {from: "22:00", to: "14:31", days: [sun]}
	!	time: {from: "22:00", to: "14:31", days: [mon]}
		time: {from: "14:00", to: "06:00", days: [mon]}
		time: {from: "15:30", to: "15:31", zone: Europe/Berlin}
		time: {from: "04:00", to: "05:00", zone: Pacific/Kiritimati, days: [tue]}
	!	time: {from: "03:00", to: "05:00", zone: Pacific/Kiritimati, days: [mon]}
	`},
	{"network", invite, schema.InRequest, `
		source: 198.51.100.7
		source: 198.51.100.0/24
		source: "::ffff:198.51.100.7"
		source: "::ffff:198.51.100.0/120"
		source: [192.0.2.0/24, 198.51.100.0/28]
		source: [10.0.0.0/8, 10.1.0.1, 10.2.0.1, 10.3.0.1, 10.4.0.1, "::1", 1.2.3.4, 0.0.0.0/0, 4.4.4.4]
	!	source: [10.0.0.0/8, 10.1.0.1, 10.2.0.1, 10.3.0.1, 10.4.0.1, "::1", 1.2.3.4, 3.3.3.3, 4.4.4.4]
		source: {in: peers}
		source: {in: peers, group: 1}
		source: {in: peers, group: [9, 2]}
	!	source: {in: peers, group: [3, 4]}
	!	source: 198.51.100.8
	!	source: "::/0"
		source_port: 4000
		source_port: [1, {max: 4000}]
	!	source_port: {max: 3999}
		transport: udp
		transport: [tcp, udp]
	!	transport: tcp
		family: inet
	!	family: inet6
		family: [inet6, inet]
		listener: "udp:[2001:db8:0::10]:5060"
		listener: ["tcp:192.0.2.10:5060", "udp:[2001:db8::10]:5060"]
	!	listener: "udp:192.0.2.10:5060"
	!	listener: "tcp:[2001:db8::10]:5060"
	!	listener: nonsense
	`},
	{"dialog", invite, schema.InRequest, `
		in_dialog: false
	!	in_dialog: true
		max_forwards: 68
		max_forwards: {max: 70}
	!	max_forwards: [0, {min: 69}]
		size: {min: 400, max: 600}
	!	size: 1
	!	direction: upstream
	!	direction: downstream
		rr_params: {x: false}
	!	rr_params: {x: true}
		auth: false
	!	auth: true
	!	auth: {user: [alice, {empty: true}]}
	`},
	{"in a dialog", reinvite, schema.InRequest, `
		in_dialog: true
	!	in_dialog: false
	`},
	{"result", busy, schema.InReply, `
		status: 486
		status: 4xx
		status: [408, 5xx, 486]
	!	status: 487
	!	status: [5xx, 480]
	!	cause: timeout
		in_dialog: true
		headers: {To: {contains: bob}}
	`},
	{"nesting", invite, schema.InRequest, `
		all: [{method: INVITE}, {uri: {myself: true}}]
	!	all: [{method: INVITE}, {method: BYE}]
		any: [{method: BYE}, {method: INVITE}]
	!	any: [{method: BYE}, {transport: tcp}]
		any: [{}]
		not: {method: BYE}
	!	not: {method: INVITE}
		not: {method: INVITE, transport: tcp}
	!	not: {}
		not: {any: [{method: BYE}, {all: [{transport: udp}, {not: {family: inet}}]}]}
		method: INVITE, any: [{uri: {user: x}}, {from: {user: alice}}]
	!	method: BYE, any: [{uri: {user: x}}, {from: {user: alice}}]
	`},
}

func TestMatchers(t *testing.T) {
	for _, tt := range matches {
		t.Run(tt.name, func(t *testing.T) {
			j := newJob(t, tt.message)
			for match, want := range lines(tt.lines) {
				if got := compile(t, tt.where, match).Match(j, 0); got != want {
					t.Errorf("%s: want %d, got %d", match, want, got)
				}
			}
		})
	}
}

// lines gives each match of a table with the rule it must find.
func lines(text string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for line := range strings.Lines(strings.TrimSpace(text)) {
			match, no := strings.CutPrefix(strings.TrimSpace(line), "!")
			want := 0
			if no {
				want = -1
			}
			if !yield(strings.TrimSpace(match), want) {
				return
			}
		}
	}
}

func TestRouteParams(t *testing.T) {
	j := newJob(t, reinvite)
	j.RRParams = []byte(";x=1;flag")
	table := compile(t, schema.InRequest, "rr_params: {x: '2'}",
		"rr_params: {X: ['2', '1'], flag: true}", "rr_params: {x: {prefix: '1'}, y: false}")
	for i, want := range []int{1, 1, 2} {
		if got := table.Match(j, i); got != want {
			t.Errorf("from %d: want %d, got %d", i, want, got)
		}
	}
}

func TestDirectionAndCause(t *testing.T) {
	j := newJob(t, invite)
	j.Direction, j.Status, j.Cause = job.Upstream, 408, job.CauseTimeout
	table := compile(t, schema.InFailure,
		"direction: downstream", "direction: upstream", "cause: transport", "cause: timeout",
		"cause: [transport, timeout]", "status: 408")
	for i, want := range []int{1, 1, 3, 3, 4, 5, -1} {
		if got := table.Match(j, i); got != want {
			t.Errorf("from %d: want %d, got %d", i, want, got)
		}
	}
}

func TestAuth(t *testing.T) {
	j := newJob(t, invite)
	j.SetAuth([]byte("alice"), []byte("example.net"))
	table := compile(t, schema.InRequest, "auth: false", "auth: {user: bob}",
		"auth: {user: alice, realm: example.org}", "auth: {user: {prefix: al}, realm: example.net}",
		"auth: true")
	for i, want := range []int{3, 3, 3, 3, 4, -1} {
		if got := table.Match(j, i); got != want {
			t.Errorf("from %d: want %d, got %d", i, want, got)
		}
	}
}

// Without a self and without a flow nothing about them holds.
func TestNoFlow(t *testing.T) {
	j := newJob(t, invite)
	j.Self, j.Flow = nil, transport.Flow{}
	table := compile(t, schema.InRequest, "uri: {myself: true}", "source: [0.0.0.0/0, '::/0']",
		"family: [inet, inet6]", "transport: [udp, tcp]", "source_port: {min: 0}",
		"listener: 'udp:192.0.2.10:5060'")
	if got := table.Match(j, 0); got != -1 {
		t.Errorf("want none, got %d", got)
	}
}

func TestEveryMatcherIsTested(t *testing.T) {
	var all strings.Builder
	all.WriteString("vars: ") // see variable_test.go
	for _, tt := range matches {
		all.WriteString(tt.lines)
	}
	for _, f := range Fields() {
		if !strings.Contains(all.String(), f.Name+":") {
			t.Errorf("%s: not in the table of matches", f.Name)
		}
		if f.Doc == "" || !strings.HasSuffix(f.Doc, ".") || f.Schema == "" || f.Where == 0 {
			t.Errorf("%s: incomplete", f.Name)
		}
	}
}
