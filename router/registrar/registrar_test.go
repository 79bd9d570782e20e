package registrar

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

var epoch = time.Unix(1_700_000_000, 0).UTC()

var phone = transport.Flow{
	Transport: sip.UDP, Local: netip.MustParseAddrPort("192.0.2.1:5060"),
	Remote: netip.MustParseAddrPort("198.51.100.7:5060"),
}

var listeners = []transport.Listener{
	{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")},
	{Transport: sip.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")},
}

// register makes the job of a REGISTER; fields replace those of their names.
func register(t testing.TB, callID string, cseq int, fields ...string) *job.Job {
	t.Helper()
	text := "REGISTER sip:example.net SIP/2.0\r\n"
	for _, f := range append(fields, "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1",
		"From: <sip:bob@example.net>;tag=b", "To: <sip:bob@example.net>", "Call-ID: "+callID,
		fmt.Sprintf("CSeq: %d REGISTER", cseq), "Max-Forwards: 70", "Content-Length: 0") {
		name, _, _ := strings.Cut(f, ":")
		if !strings.Contains(text, "\r\n"+name+": ") || name == "Contact" {
			text += f + "\r\n"
		}
	}
	j := new(job.Job)
	j.Reset()
	j.Place, j.Msg, j.Flow, j.Now = schema.InRequest, new(sip.Message), phone, epoch
	j.Self = job.NewSelf(listeners, []string{"example.net"}, nil)
	if err := j.Msg.Parse([]byte(text + "\r\n")); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return j
}

// had is a binding that was kept at the epoch by Call-ID a, CSeq 10.
func had(contact string, expires time.Duration) backends.Binding {
	return backends.Binding{
		ID: 1, Contact: []byte(contact), CallID: []byte("a"), CSeq: 10, Q: 1000,
		Expires: epoch.Add(expires), Modified: epoch,
	}
}

// shown is bindings as a test names them: contact, seconds left, q.
func shown(list []backends.Binding, now time.Time) string {
	var s []string
	for i := range list {
		b := &list[i]
		s = append(s, fmt.Sprintf("%s %v %d", b.Contact, b.Expires.Sub(now).Seconds(), b.Q))
	}
	slices.Sort(s)
	return strings.Join(s, ", ")
}

// RFC 3261 §10.3, steps 6 to 8.
func TestApply(t *testing.T) {
	std := Rules{Min: time.Minute, Max: 2 * time.Hour, Default: time.Hour, RetryAfter: time.Minute}
	with := func(f func(r *Rules)) *Rules {
		r := std
		f(&r)
		return &r
	}
	one := []backends.Binding{had("sip:bob@1.1.1.1", 1000*time.Second)}
	two := append(slices.Clone(one), had("sip:bob@2.2.2.2", 500*time.Second))
	two[1].ID, two[1].Q = 2, 500
	const kept = "sip:bob@1.1.1.1 1000 1000"
	for _, c := range []struct {
		name   string
		rules  *Rules
		have   []backends.Binding
		callID string
		cseq   int
		after  time.Duration
		fields []string
		status int
		want   string // bindings
		lines  string // of the answer, a part of them
	}{
		{"query", &std, two, "x", 1, 0, nil, 200,
			kept + ", sip:bob@2.2.2.2 500 500",
			"Contact: <sip:bob@1.1.1.1>;expires=1000\r\nContact: <sip:bob@2.2.2.2>;expires=500;q=0.5\r\n"},
		{"star", &std, two, "a", 11, 0, []string{"Contact: *", "Expires: 0"}, 200, "", ""},
		{"star of another Call-ID", &std, two, "b", 1, 0,
			[]string{"Contact: *", "Expires: 0"}, 200, "", ""},
		{"star out of order", &std, one, "a", 9, 0, []string{"Contact: *", "Expires: 0"}, 500, kept, ""},
		{"star without Expires", &std, one, "a", 11, 0, []string{"Contact: *"}, 400, kept, ""},
		{"star with Expires", &std, one, "a", 11, 0, []string{"Contact: *", "Expires: 5"}, 400, kept, ""},
		{"star and another", &std, one, "a", 11, 0,
			[]string{"Contact: *, <sip:x@y>", "Expires: 0"}, 400, kept, ""},
		{"two stars", &std, one, "a", 11, 0,
			[]string{"Contact: *", "Contact: *", "Expires: 0"}, 400, kept, ""},

		{"default", &std, nil, "a", 1, 0, []string{"Contact: <sip:b@c>"}, 200, "sip:b@c 3600 1000", ""},
		{"header", &std, nil, "a", 1, 0, []string{"Contact: <sip:b@c>", "Expires: 90"}, 200,
			"sip:b@c 90 1000", "expires=90\r\n"},
		{"parameter over header", &std, nil, "a", 1, 0,
			[]string{"Contact: <sip:b@c>;expires=120;q=0.25", "Expires: 90"}, 200,
			"sip:b@c 120 250", "q=0.25"},
		{"malformed parameter", &std, nil, "a", 1, 0,
			[]string{"Contact: <sip:b@c>;expires=soon", "Expires: 90"}, 200, "sip:b@c 3600 1000", ""},
		{"huge", &std, nil, "a", 1, 0, []string{"Contact: <sip:b@c>;expires=99999999999999999999"}, 200,
			"sip:b@c 7200 1000", ""},
		{"brief", &std, nil, "a", 1, 0,
			[]string{"Contact: <sip:b@c>;expires=59"}, 423, "", "Min-Expires: 60\r\n"},
		{"brief, one of two", &std, nil, "a", 1, 0,
			[]string{"Contact: <sip:b@c>, <sip:d@e>;expires=1"}, 423, "", "Min-Expires: 60\r\n"},
		{"brief, clamped", with(func(r *Rules) { r.Clamp = true }), nil, "a", 1, 0,
			[]string{"Contact: <sip:b@c>;expires=1"}, 200, "sip:b@c 60 1000", ""},

		{"refresh", &std, one, "a", 11, 5 * time.Second, []string{"Contact: <sip:bob@1.1.1.1>"}, 200,
			"sip:bob@1.1.1.1 3600 1000", ""},
		{"refresh by an equal URI", &std, one, "a", 11, 0,
			[]string{"Contact: <SIP:%62ob@1.1.1.1;x=y>;expires=60"}, 200,
			"SIP:%62ob@1.1.1.1;x=y 60 1000", ""},
		{"not equal: transport", &std, one, "a", 11, 0,
			[]string{"Contact: <sip:bob@1.1.1.1;transport=tcp>;expires=60"}, 200,
			kept + ", sip:bob@1.1.1.1;transport=tcp 60 1000", ""},
		{"not equal: user by case", &std, one, "a", 11, 0,
			[]string{"Contact: <sip:Bob@1.1.1.1>;expires=60"}, 200,
			"sip:Bob@1.1.1.1 60 1000, " + kept, ""},
		{"out of order", &std, one, "a", 9, 0,
			[]string{"Contact: <sip:new@c>, <sip:bob@1.1.1.1>"}, 500, kept, ""},
		{"another Call-ID", &std, one, "b", 1, 0, []string{"Contact: <sip:bob@1.1.1.1>"}, 200,
			"sip:bob@1.1.1.1 3600 1000", ""},
		{"sent again", &std, one, "a", 10, 20 * time.Second, []string{"Contact: <sip:bob@1.1.1.1>"}, 200,
			"sip:bob@1.1.1.1 980 1000", "expires=980\r\n"},
		{"sent again much later", &std, one, "a", 10, 40 * time.Second,
			[]string{"Contact: <sip:bob@1.1.1.1>"}, 500, "sip:bob@1.1.1.1 960 1000", ""},
		{"remove", &std, two, "a", 11, 0, []string{"Contact: <sip:bob@1.1.1.1>;expires=0"}, 200,
			"sip:bob@2.2.2.2 500 500", ""},
		{"remove what is not there", &std, one, "a", 11, 0, []string{"Contact: <sip:x@y>;expires=0"}, 200,
			kept, ""},
		{"remove out of order", &std, one, "a", 9, 0,
			[]string{"Contact: <sip:bob@1.1.1.1>;expires=0"}, 500,
			kept, ""},
		{"given twice", &std, nil, "a", 1, 0,
			[]string{"Contact: <sip:b@c>;expires=60, <sip:b@c>;expires=90"}, 200, "sip:b@c 90 1000", ""},
		{"add and remove", &std, one, "a", 11, 0,
			[]string{"Contact: <sip:b@c>, <sip:bob@1.1.1.1>;expires=0"}, 200, "sip:b@c 3600 1000", ""},

		{"by Call-ID", with(func(r *Rules) { r.Match = ByCallID }), one, "b", 1, 0,
			[]string{"Contact: <sip:bob@1.1.1.1>;expires=60"}, 200, kept + ", sip:bob@1.1.1.1 60 1000", ""},
		{"full", with(func(r *Rules) { r.MaxContacts = 2 }), two, "a", 11, 0,
			[]string{"Contact: <sip:b@c>"}, 503, kept + ", sip:bob@2.2.2.2 500 500", "Retry-After: 60\r\n"},
		{"full, but refreshed", with(func(r *Rules) { r.MaxContacts = 1 }), two, "a", 11, 0,
			[]string{"Contact: <sip:bob@2.2.2.2>"}, 200, kept + ", sip:bob@2.2.2.2 3600 1000", ""},
		{"full, one for another", with(func(r *Rules) { r.MaxContacts = 1 }), one, "a", 11, 0,
			[]string{"Contact: <sip:b@c>, <sip:bob@1.1.1.1>;expires=0"}, 200, "sip:b@c 3600 1000", ""},
		{"evicted", with(func(r *Rules) { r.MaxContacts, r.Evict = 2, true }), two, "b", 1, 0,
			[]string{"Contact: <sip:b@c>"}, 200, "sip:b@c 3600 1000, sip:bob@2.2.2.2 500 500", ""},
		{"more than fit", with(func(r *Rules) { r.MaxContacts, r.Evict = 1, true }), one, "b", 1, 0,
			[]string{"Contact: <sip:b@c>, <sip:d@e>"}, 503, kept, ""},

		{"malformed q", &std, one, "a", 11, 0, []string{"Contact: <sip:b@c>;q=2"}, 400, kept, ""},
		{"another scheme", &std, one, "a", 11, 0, []string{"Contact: <mailto:b@c>"}, 400, kept, ""},
		{"long", &std, one, "a", 11, 0,
			[]string{"Contact: <sip:" + strings.Repeat("b", 255) + "@c>"}, 400, kept, ""},
		{"many", &std, one, "a", 11, 0,
			[]string{"Contact: <sip:b@c>" + strings.Repeat(",<sip:b@c>", maxContacts)}, 400, kept, ""},
		{"long Call-ID", &std, one, strings.Repeat("a", 256), 11, 0, nil, 400, kept, ""},
		{"required", &std, one, "a", 11, 0,
			[]string{"Require: path, gruu"}, 420, kept, "Unsupported: gruu\r\n"},
		{"instance", with(func(r *Rules) { r.Match = ByInstance }), nil, "a", 1, 0,
			[]string{`Contact: <sip:b@c>;reg-id=1;+sip.instance="<urn:uuid:1>", <sip:d@e>;reg-id=1;` +
				`+sip.instance="<urn:uuid:1>"`}, 200, "sip:d@e 3600 1000",
			`;+sip.instance="<urn:uuid:1>";reg-id=1`},
	} {
		now := epoch.Add(c.after)
		r := Read(register(t, c.callID, c.cseq, c.fields...), c.rules, now)
		s := &backends.Set{Bindings: slices.Clone(c.have)}
		changed := r.Status == 0 && r.Apply(s)
		got := s.Bindings
		if !changed {
			got = c.have
		}
		if r.Status != c.status {
			t.Errorf("%s: want %d, got %d %s", c.name, c.status, r.Status, r.Reason)
		}
		if g := shown(got, now); g != c.want {
			t.Errorf("%s: want %s, got %s", c.name, c.want, g)
		}
		if !strings.Contains(string(r.Lines), c.lines) {
			t.Errorf("%s: want %q in %q", c.name, c.lines, r.Lines)
		}
		r.Free()
	}
}

func TestDeviation(t *testing.T) {
	r := Rules{Min: time.Minute, Max: time.Hour, Default: time.Hour, Deviation: 10 * time.Second}
	for _, c := range []struct {
		asked, random int64
		want          time.Duration
	}{
		{100, 0, 90 * time.Second}, {100, 20, 110 * time.Second}, {61, 0, time.Minute},
		{3600, 20, time.Hour}, {0, 20, 0},
	} {
		got, ok := r.grant(c.asked, func(n int64) int64 {
			if n != 21 {
				t.Errorf("random of %d", n)
			}
			return c.random
		})
		if !ok || got != c.want {
			t.Errorf("%d: want %v, got %v", c.asked, c.want, got)
		}
	}
}

// Where a binding is called, H6.
func TestReceived(t *testing.T) {
	tcp := phone
	tcp.Transport, tcp.Listener = sip.TCP, 1
	six := phone
	six.Remote = netip.MustParseAddrPort("[2001:db8::7]:6000")
	for _, c := range []struct {
		name, contact, via string
		flow               transport.Flow
		mode               ReceivedMode
		path, want         string
	}{
		{"contact leads there", "sip:b@198.51.100.7", "198.51.100.7", phone, 0, "", ""},
		{"by a port of its own", "sip:b@198.51.100.7:5080", "198.51.100.7", phone, 0, "", ""},
		{"of another", "sip:b@203.0.113.1", "198.51.100.7", phone, 0, "", ""},
		{"by name", "sip:b@pc.example.net", "pc.example.net", phone, 0, "", ""},
		{"translated", "sip:b@203.0.113.1", "10.0.0.7", phone, 0, "", "sip:198.51.100.7:5060"},
		{"private contact", "sip:b@192.168.0.7", "198.51.100.7", phone, 0, "", "sip:198.51.100.7:5060"},
		{"over IPv6", "sip:b@[2001:db8::7]", "[2001:db8::7]", six, 0, "", "sip:[2001:db8::7]:6000"},
		{"connection", "sip:b@198.51.100.7:5060", "198.51.100.7", tcp, 0, "",
			"sip:198.51.100.7:5060;transport=tcp"},
		{"its connection", "sip:b@198.51.100.7;transport=tcp", "198.51.100.7", tcp, 0, "",
			"sip:198.51.100.7:5060;transport=tcp"},
		{"never over a connection", "sip:b@192.168.0.7;transport=tcp", "10.0.0.7", tcp, ReceivedNever, "",
			""},
		{"by Path", "sip:b@192.168.0.7", "10.0.0.7", phone, 0, "<sip:edge;lr>", ""},
		{"never", "sip:b@192.168.0.7", "10.0.0.7", phone, ReceivedNever, "", ""},
		{"always", "sip:b@203.0.113.1", "198.51.100.7", phone, ReceivedAlways, "",
			"sip:198.51.100.7:5060"},
	} {
		fields := []string{
			"Contact: <" + c.contact + ">", "Via: SIP/2.0/UDP " + c.via + ";branch=z9hG4bK1",
		}
		if c.path != "" {
			fields = append(fields, "Path: "+c.path)
		}
		j := register(t, "a", 1, fields...)
		j.Flow = c.flow
		r := Read(j, &Rules{Max: time.Hour, Default: time.Hour, Received: c.mode}, epoch)
		s := new(backends.Set)
		r.Apply(s)
		if got := string(s.Bindings[0].Received); got != c.want {
			t.Errorf("%s: want %q, got %q", c.name, c.want, got)
		}
		r.Free()
	}
}

func TestPath(t *testing.T) {
	const value = "<sip:edge;lr>, <sip:inner;lr>"
	for _, c := range []struct {
		mode              PathMode
		path, supported   string
		status            int
		kept, echoed, tag string
	}{
		{PathLazy, value, "Supported: path", 200, value, "Path: " + value, ""},
		{PathLazy, value, "Supported: outbound", 200, value, "", ""},
		{PathOff, value, "Supported: path", 200, value, "", ""},
		{PathStrict, value, "Require: PATH", 200, value, "Path: " + value, ""},
		{PathStrict, value, "Supported: outbound", 420, "", "", "Unsupported: path"},
		{PathLazy, "sip:edge;lr", "Supported: path", 400, "", "", ""},
		{PathLazy, "<sip:edge;lr>, <tel:1>", "Supported: path", 400, "", "", ""},
	} {
		r := Read(register(t, "a", 1, "Contact: <sip:b@c>", "Path: "+c.path, c.supported),
			&Rules{Max: time.Hour, Default: time.Hour, Path: c.mode}, epoch)
		s := new(backends.Set)
		if r.Status == 0 {
			r.Apply(s)
		}
		kept := ""
		if len(s.Bindings) > 0 {
			kept = string(s.Bindings[0].Path)
		}
		lines := string(r.Lines)
		if r.Status != c.status || kept != c.kept || !strings.Contains(lines, c.echoed) ||
			!strings.Contains(lines, c.tag) || c.echoed == "" && strings.Contains(lines, "Path:") {
			t.Errorf("%+v: got %d, %q, %q", c, r.Status, kept, lines)
		}
		r.Free()
	}
}

// What is kept beside the contact.
func TestDescription(t *testing.T) {
	j := register(t, "a", 7, "Contact: <sip:b@c>", "Allow: INVITE, BYE,FOO",
		"User-Agent: "+strings.Repeat("x", 300))
	r := Read(j, &Rules{Max: time.Hour, Default: time.Hour}, epoch)
	defer r.Free()
	s := new(backends.Set)
	r.Apply(s)
	b := &s.Bindings[0]
	if len(b.UserAgent) != maxUserAgent || string(b.Listener) != "udp:192.0.2.1:5060" ||
		b.Methods != 1<<sip.INVITE|1<<sip.BYE || string(b.CallID) != "a" || b.CSeq != 7 ||
		!b.Modified.Equal(epoch) {
		t.Errorf("got %+v", b)
	}
	if got := listenerOf(j.Self, b.Listener); got != 1 {
		t.Errorf("listener %d", got)
	}
}

// Of ten thousand that register at once no more than fit are kept, and each that was told so is.
func TestConcurrent(t *testing.T) {
	const many, limit = 10_000, 5
	store := memory.New(backends.Names{})
	rules := &Rules{Max: time.Hour, Default: time.Hour, MaxContacts: limit, RetryAfter: time.Minute}
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[string]bool{}
	for n := range 8 {
		wg.Go(func() {
			for i := range many / 8 {
				contact := fmt.Sprintf("sip:bob@c%d.example.net", n*many+i)
				r := Read(register(t, contact, 1, "Contact: <"+contact+">"), rules, epoch)
				if err := store.Update(context.Background(), []byte("bob"), epoch, r); err != nil {
					t.Error(err)
				}
				mu.Lock()
				switch r.Status {
				case 200:
					taken[contact] = true
				case 503:
				default:
					t.Errorf("%d %s", r.Status, r.Reason)
				}
				mu.Unlock()
				r.Free()
			}
		})
	}
	wg.Wait()
	s := new(backends.Set)
	_ = store.Lookup(context.Background(), []byte("bob"), epoch, s)
	if len(s.Bindings) != limit || len(taken) != limit {
		t.Errorf("%d bindings, %d told so", len(s.Bindings), len(taken))
	}
	for i := range s.Bindings {
		if !taken[string(s.Bindings[i].Contact)] {
			t.Errorf("%s was refused", s.Bindings[i].Contact)
		}
	}
}
