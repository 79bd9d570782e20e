package action

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/router/uac"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

func kind(t testing.TB, name string) *Kind {
	t.Helper()
	for _, k := range Kinds() {
		if k.Name == name {
			return &k
		}
	}
	t.Fatalf("no action %q", name)
	return nil
}

// val makes a checked value of plain Go data; a map is written as pairs.
func val(x any) schema.Value {
	v := schema.Value{Pos: schema.Pos{File: "p.yaml", Line: 1, Col: 1}}
	switch x := x.(type) {
	case string:
		v.Kind, v.S = schema.String, x
	case int:
		v.Kind, v.N = schema.Int, int64(x)
	case bool:
		v.Kind, v.B = schema.Bool, x
	case []string:
		v.Kind = schema.List
		for _, s := range x {
			v.Items = append(v.Items, val(s))
		}
	case []any:
		v.Kind = schema.Map
		for i := 0; i < len(x); i += 2 {
			v.Keys = append(v.Keys, schema.Key{Name: x[i].(string), Pos: v.Pos, Value: val(x[i+1])})
		}
	}
	return v
}

func pairs(x ...any) []any { return append([]any{}, x...) }

// nowhere is a Sender nobody is behind.
type nowhere struct{}

func (nowhere) Send(transport.Target, []byte, uint64) error { return nil }
func (nowhere) Listeners() []transport.Listener             { return nil }
func (nowhere) Choose(sip.Transport, netip.Addr) uint16     { return transport.AnyListener }

func env() *Env {
	p := proxy.New(proxy.Config{Sender: nowhere{}})
	p.SetSettings(&proxy.Settings{})
	return &Env{
		Proxy: p,
		Where: schema.InRequest, Log: slog.New(slog.DiscardHandler),
		Listener: func(n schema.Text) (uint16, bool) { return 3, n.S == "udp:192.0.2.1:5060" },
		Route:    func(schema.Place, string) job.Route { return nil },
	}
}

func step(t testing.TB, name string, args any) job.Step {
	t.Helper()
	v := val(args)
	s, diags := kind(t, name).New(env(), &v)
	if len(diags) > 0 {
		t.Fatalf("%s %v: %v", name, args, diags)
	}
	return s
}

func refused(t testing.TB, name string, args any) schema.Diagnostics {
	t.Helper()
	v := val(args)
	_, diags := kind(t, name).New(env(), &v)
	return diags
}

func request(t testing.TB, ruri string, fields ...string) *job.Job {
	t.Helper()
	text := "INVITE " + ruri + " SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n" +
		"From: <sip:bob@example.org>;tag=b\r\nTo: <sip:alice@example.net>\r\n" +
		"Call-ID: 1@bob\r\nCSeq: 1 INVITE\r\n" + strings.Join(append(fields, ""), "\r\n") +
		"Content-Length: 0\r\n\r\n"
	j := new(job.Job)
	j.Reset()
	j.Place, j.Msg = schema.InRequest, new(sip.Message)
	if err := j.Msg.Parse([]byte(text)); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	j.Received = j.Msg.RURI()
	return j
}

func run(j *job.Job, s job.Step) error {
	_, err := s.Run(context.Background(), j)
	return err
}

func TestKinds(t *testing.T) {
	names := []string{}
	for _, k := range Kinds() {
		names = append(names, k.Name)
		first, _, _ := strings.Cut(k.Doc, ".")
		if len(first) < 10 || strings.Contains(first, "\n") {
			t.Errorf("%s: no first sentence in %q", k.Name, k.Doc)
		}
		if k.New == nil || k.Where == 0 || k.Schema == "" {
			t.Errorf("%s is not complete", k.Name)
		}
		if (k.Ending == schema.EndsByArgs) != (k.EndsWhen != nil) {
			t.Errorf("%s: EndsWhen belongs to EndsByArgs", k.Name)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("not sorted, or one twice: %v", names)
	}
}

func TestURI(t *testing.T) {
	const a = "sip:0049301%32@example.net:5080;x=1"
	for _, c := range []struct {
		name string
		args any
		ruri string
		want string // "": an error, and the Request-URI as it was
	}{
		{"set_user", "bob", a, "sip:bob@example.net:5080;x=1"},
		{"set_user", "bob", "sip:example.net", "sip:bob@example.net"},
		{"set_user", "b b%41@%", "sip:example.net", "sip:b%20b%41%40%25@example.net"},
		{"set_user", "bob", "sip:a:pw@example.net", "sip:bob:pw@example.net"},
		{"set_user", "{headers.X-None}", a, ""},
		{"set_user", "{headers.X-Evil}", a, "sip:x%40evil.example%3E;lr%22y@example.net:5080;x=1"},
		{"set_host", "example.org", a, "sip:0049301%32@example.org:5080;x=1"},
		{"set_host", "2001:db8::1", a, "sip:0049301%32@[2001:db8::1]:5080;x=1"},
		{"set_host", "[2001:db8::1]", a, "sip:0049301%32@[2001:db8::1]:5080;x=1"},
		{"set_host", "{headers.X-Evil}", a, ""},
		{"set_host", "{headers.X-None}", a, ""},
		{"set_host", "example.org", "tel:+4930", ""},
		{"set_user", "bob", "tel:+4930", ""},
		{"set_user", "+4931", "tel:+4930;x=y", "tel:+4931;x=y"},
		{"prefix", "x", "tel:+4930", ""},
		{"set_port", 5070, a, "sip:0049301%32@example.net:5070;x=1"},
		{"set_port", 0, a, "sip:0049301%32@example.net;x=1"},
		{"set_port", 5070, "tel:+4930", ""},
		{"prefix", "9", a, "sip:90049301%32@example.net:5080;x=1"},
		{"prefix", "+", "tel:4930", "tel:+4930"},
		{"strip", 2, a, "sip:49301%32@example.net:5080;x=1"},
		{"strip", 7, a, "sip:%32@example.net:5080;x=1"},
		{"strip", 8, a, ""},
		{"strip", 9, a, ""},
		{"strip", 1, "sip:example.net", ""},
		{"strip_tail", 1, a, "sip:0049301@example.net:5080;x=1"},
		{"strip_tail", 7, a, "sip:0@example.net:5080;x=1"},
		{"strip_tail", 8, a, ""},
		{"strip_tail", 9, a, ""},
		{"strip_tail", 1, "sip:example.net", ""},
		{"rewrite_uri", "sip:x@192.0.2.1", a, "sip:x@192.0.2.1"},
		{"rewrite_uri", "tel:+{ruri.user}", "sip:49@example.net", "tel:+49"},
		{"rewrite_uri", "sip:{headers.X-None}", a, ""},
		{"rewrite_uri", "{headers.X-Evil}", a, ""},
		{"strip", 1, "foo:bar", ""},
		{"set_user", "bob", "foo:bar", ""},
	} {
		j := request(t, c.ruri, "X-Evil: x@evil.example>;lr\"y")
		err := run(j, step(t, c.name, c.args))
		want := c.want
		if want == "" {
			want = c.ruri
		}
		if got := string(j.Msg.RURI()); got != want || (err != nil) != (c.want == "") {
			t.Errorf("%s %v of %s: want %q, got %q, %v", c.name, c.args, c.ruri, c.want, got, err)
		}
	}
}

func TestRevertURI(t *testing.T) {
	j := request(t, "sip:a@example.net")
	for _, s := range []job.Step{
		step(t, "prefix", "99"), step(t, "set_host", "example.org"), step(t, "revert_uri", pairs()),
	} {
		if err := run(j, s); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(j.Msg.RURI()); got != "sip:a@example.net" {
		t.Errorf("got %s", got)
	}
}

func TestRefusedArguments(t *testing.T) {
	for _, c := range []struct {
		name string
		args any
		want schema.Code
	}{
		{"set_user", "", schema.BadValue},
		{"set_user", "a\r\nb", schema.BadValue},
		{"set_user", "{no.such}", schema.UnknownField},
		{"set_host", "a b", schema.BadHost},
		{"set_host", "", schema.BadHost},
		{"set_host", "example.org:5060", schema.BadHost},
		{"rewrite_uri", "example.org", schema.BadURI},
		{"rewrite_uri", "http://example.org", schema.BadURI},
		{"relay", pairs("to", "192.0.2.1:5060"), schema.BadURI},
		{"relay", pairs("to", "tel:+4930"), schema.BadURI},
		{"forward", pairs("to", "sip:"), schema.BadURI},
		{"append_branch", pairs("uri", "bob"), schema.BadURI},
		{"redirect", pairs("to", "sip:a b@c"), schema.BadURI},
		{"force_send_socket", "udp:192.0.2.9:5060", schema.UnknownListener},
		{"record_route", pairs("params", ";a=b"), schema.BadValue},
		{"record_route", pairs("params", "a>b"), schema.BadValue},
		{"record_route", pairs("params", "a=b;LR"), schema.ReservedField},
		{"record_route", pairs("params", "t=0"), schema.ReservedField},
		{"add_header", pairs("Via", "x"), schema.ReservedField},
		{"add_header", pairs("v", "x"), schema.ReservedField},
		{"add_header", pairs("route", "x"), schema.ReservedField},
		{"set_header", pairs("Record-Route", "x"), schema.ReservedField},
		{"set_header", pairs("i", "x"), schema.ReservedField},
		{"set_header", pairs("CSeq", "x"), schema.ReservedField},
		{"set_header", pairs("f", "x"), schema.ReservedField},
		{"set_header", pairs("To", "x"), schema.ReservedField},
		{"set_header", pairs("Max-Forwards", "x"), schema.ReservedField},
		{"set_header", pairs("l", "0"), schema.ReservedField},
		{"remove_header", []string{"Subject", "Content-Type"}, schema.ReservedField},
		{"remove_header", "a b", schema.BadHeaderName},
		{"reply", pairs("code", 200, "headers", pairs("Via", "x")), schema.ReservedField},
		{"reply", pairs("code", 200, "reason", "a\nb"), schema.BadValue},
		{"log", pairs("message", "{headers.Authorization}"), schema.ReservedField},
		{"log", pairs("message", "{headers.proxy-AUTHORIZATION}"), schema.ReservedField},
	} {
		got := refused(t, c.name, c.args)
		if len(got) != 1 || got[0].Code != c.want || got[0].Severity != schema.Error {
			t.Errorf("%s %v: want one SE%d, got %v", c.name, c.args, c.want, got)
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		name string
		args any
		want string // of X and Subject fields, in order
	}{
		{"add_header", pairs("X", "{to.user}"), "X:1|X:2|X:alice|Subject:hi|s:ho"},
		{"add_header", pairs("X", "{headers.None}"), "X:1|X:2|Subject:hi|s:ho"},
		{"add_header", pairs("Subject", "x"), "X:1|X:2|Subject:hi|s:ho|Subject:x"},
		{"set_header", pairs("x", "3"), "X:3|Subject:hi|s:ho"},
		{"set_header", pairs("Subject", "{ruri.user}"), "X:1|X:2|Subject:a"},
		{"set_header", pairs("Subject", "{headers.None}"), "X:1|X:2"},
		{"remove_header", "x", "Subject:hi|s:ho"},
		{"remove_header", []string{"X", "s"}, ""},
	} {
		j := request(t, "sip:a@example.net", "X: 1", "X: 2", "Subject: hi", "s: ho")
		if err := run(j, step(t, c.name, c.args)); err != nil {
			t.Error(err)
		}
		var got []string
		for i := range j.Msg.Len() {
			if n := string(j.Msg.Name(i)); n == "X" || sip.LookupHeader([]byte(n)) == sip.Subject {
				got = append(got, n+":"+string(j.Msg.Value(i)))
			}
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s %v: want %s, got %s", c.name, c.args, c.want, s)
		}
	}
}

// endless is a route that runs off its end, ending one that does not.
type endless struct{ ran *bool }

func (r endless) Run(context.Context, *job.Job) job.Verdict { *r.ran = true; return job.Next }

type ending struct{}

func (ending) Run(context.Context, *job.Job) job.Verdict { return job.Done }

func (endless) Waits() bool { return false }

func (ending) Waits() bool { return false }

// An arm that runs off its end is closed by the action's own answer.
func TestArm(t *testing.T) {
	e, ran := env(), false
	j := request(t, "sip:a@example.net")
	v := arm{endless{&ran}}.take(context.Background(), j, e.Proxy, 404)
	if v != job.Done || !j.Answered || !ran {
		t.Errorf("off its end: %v, answered %t, ran %t", v, j.Answered, ran)
	}
	j = request(t, "sip:a@example.net")
	if v := (arm{ending{}}).take(context.Background(), j, e.Proxy, 404); v != job.Done || j.Answered {
		t.Errorf("an arm that ends: %v, answered %t", v, j.Answered)
	}
	j.Place = schema.InFailure
	if v := (arm{}).take(context.Background(), j, e.Proxy, 404); v != job.Done || j.Answered {
		t.Errorf("in a failure route: %v, answered %t", v, j.Answered)
	}
}

func TestAppendBranch(t *testing.T) {
	j := request(t, "sip:a@example.net")
	add := func(args ...any) error { return run(j, step(t, "append_branch", pairs(args...))) }
	if err := add("uri", "sip:b@192.0.2.1", "q", 1); err != nil {
		t.Fatal(err)
	}
	if err := add("uri", "sip:{to.user}@192.0.2.2", "to", "sip:192.0.2.3"); err != nil {
		t.Fatal(err)
	}
	if err := add("q", 0); err != nil {
		t.Fatal(err)
	}
	want := []job.Target{
		{URI: []byte("sip:b@192.0.2.1"), Q: 1000, Local: true},
		{URI: []byte("sip:alice@192.0.2.2"), Q: 1000, NextHop: []byte("sip:192.0.2.3"), Local: true},
		{URI: []byte("sip:a@example.net"), Q: 0},
	}
	for i, w := range want {
		g := j.Targets[i]
		if string(g.URI) != string(w.URI) || g.Q != w.Q || g.Local != w.Local ||
			string(g.NextHop) != string(w.NextHop) {
			t.Errorf("target %d: want %+v, got %+v", i, w, g)
		}
	}
	if add("uri", "sip:{headers.None}") == nil || add("to", "{ruri.user}") == nil {
		t.Error("a template that is no URI was taken")
	}
	for len(j.Targets) < 11 {
		if err := add(); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(); err == nil {
		t.Error("a 13th member was taken")
	}
}

func TestContacts(t *testing.T) {
	j := request(t, "sip:a@example.net")
	j.Targets = []job.Target{
		{URI: []byte("sip:1@h"), Q: 300}, {URI: []byte("sip:2@h"), Q: 1000},
		{URI: []byte("sip:3@h"), Q: 705}, {URI: []byte("sip:4@h"), Q: 0},
	}
	const rest = "Contact: <sip:2@h>\r\nContact: <sip:3@h>;q=0.705\r\n" +
		"Contact: <sip:1@h>;q=0.3\r\nContact: <sip:4@h>;q=0\r\n"
	if got := string(appendContacts(nil, j)); got != rest {
		t.Errorf("got %s", got)
	}
	j.Msg.SetRURI([]byte("sip:0@h"))
	if got := string(appendContacts(nil, j)); got != "Contact: <sip:0@h>\r\n"+rest {
		t.Errorf("with a new Request-URI: got %s", got)
	}
}

func TestRecordRouteParams(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "a=b": true, "a=b;c": true, "a=b;c=d%20": true, "a=[::1]": true,
		"": false, ";a": false, "a;": false, "a=": false, "=b": false, "a=b=c": false, "a;;b": false,
		"a b": false, "a=>": false, "a=\"": false, "a=,": false, "a?b": false,
	} {
		if got := areParams([]byte(s)); got != want {
			t.Errorf("%q: want %t, got %t", s, want, got)
		}
	}
	j := request(t, "sip:a@example.net", "X: x>;evil")
	if err := run(j, step(t, "record_route", pairs("params", "o={headers.X}"))); err == nil {
		t.Error("a parameter that ends the URI was taken")
	}
	if err := run(j, step(t, "record_route", pairs("params", "o={to.user}"))); err != nil {
		t.Error(err)
	}
	if j.RecordRoute == nil || string(j.RRParams) != ";o=alice" {
		t.Errorf("got %v %q", j.RecordRoute, j.RRParams)
	}
}

// A preset that leads elsewhere is refused: no dialog would come back by it.
func TestRecordRoutePreset(t *testing.T) {
	e := env()
	e.Own = &uac.Settings{Self: job.NewSelf(nil, nil, []string{"edge.example.net:5080"})}
	for name, ours := range map[string]bool{
		"edge.example.net:5080": true, "edge.example.net": false, "edge.example.org:5080": false,
	} {
		v := val(pairs("preset", []string{"edge.example.net:5080", name}))
		s, diags := kind(t, "record_route").New(e, &v)
		if ours != (len(diags) == 0) {
			t.Errorf("%s: %v", name, diags)
		}
		if !ours {
			continue
		}
		j := request(t, "sip:a@example.net")
		if err := run(j, s); err != nil || string(j.RecordRoute.Out) != name ||
			string(j.RecordRoute.In) != "edge.example.net:5080" {
			t.Errorf("got %v, %v", j.RecordRoute, err)
		}
	}
}

func TestFlow(t *testing.T) {
	j := request(t, "sip:a@example.net")
	if v, _ := (leave{}).Run(context.Background(), j); v != job.Return {
		t.Errorf("return: %v", v)
	}
	if v, _ := (exit{}).Run(context.Background(), j); v != job.Done || j.Answered {
		t.Errorf("exit: %v", v)
	}
	if v, _ := (drop{}).Run(context.Background(), j); v != job.Drop || !j.Answered {
		t.Errorf("drop: %v", v)
	}
	j = request(t, "sip:a@example.net")
	j.Place, j.Status = schema.InReply, 200
	if v, err := (drop{}).Run(context.Background(), j); v == job.Drop || err == nil {
		t.Errorf("drop of a 200: %v, %v", v, err)
	}
}

func TestSocket(t *testing.T) {
	j := request(t, "sip:a@example.net")
	if j.SendSocket != transport.AnyListener {
		t.Fatal("a new job has a send socket")
	}
	err := run(j, step(t, "force_send_socket", "udp:192.0.2.1:5060"))
	if err != nil || j.SendSocket != 3 {
		t.Errorf("got %d, %v", j.SendSocket, err)
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	e := env()
	e.Log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	j := request(t, "sip:a@example.net", "X: a\x01b")
	for _, level := range []string{"info", "warn"} {
		v := val(pairs("level", level, "message", "x={headers.X}"))
		s, diags := kind(t, "log").New(e, &v)
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		if err := run(j, s); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `x=a\\x01b`) ||
		!strings.Contains(got, `"WARN"`) {
		t.Errorf("got %s", got)
	}
}

func TestEditsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget")
	}
	j := request(t, "sip:0049301@example.net")
	raw := bytes.Clone(j.Msg.Raw())
	steps := []job.Step{
		step(t, "strip", 2), step(t, "prefix", "9"), step(t, "set_host", "{from.host}"),
		step(t, "set_port", 5080), step(t, "add_header", pairs("X", "{ruri.user}")),
		step(t, "set_header", pairs("Y", "z")), step(t, "remove_header", "X"),
		step(t, "record_route", pairs("params", "a={from.user}")),
		step(t, "log", pairs("message", "{ruri}")),
	}
	if n := testing.AllocsPerRun(200, func() {
		m := j.Msg
		j.Reset()
		j.Msg = m
		if err := m.Parse(raw); err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			if err := run(j, s); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}
