package lcr

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sipedge/router/data"
	"sipedge/router/gateway"
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
)

const policy = `gateways:
  a: {destinations: [{uri: "sip:192.0.2.1"}, {uri: "sip:192.0.2.2", priority: 1}]}
  b: {destinations: [{uri: "sip:192.0.2.3"}]}
  c: {destinations: [{uri: "sip:192.0.2.4"}]}
args: {table: rates, shorter: true}
`

// bench is lcr over a file of rates.
type bench struct {
	*testing.T
	registry  *gateway.Registry
	tables    *data.Tables
	path      string
	lcr, next job.Step
	group     string
	none      int // times that there was no gateway
}

func start(t *testing.T, rows string) *bench {
	v, diags := schema.ReadData("p.yaml", []byte(policy))
	if diags != nil {
		t.Fatal(diags)
	}
	b := &bench{T: t, path: filepath.Join(t.TempDir(), "rates.csv")}
	b.write(rows, 0)
	b.registry = gateway.New(gateway.Config{
		Clock: time.Now, Random: func() uint64 { return 0 },
	})
	sets, diags := b.registry.Read(v.Get("gateways"))
	if diags != nil {
		t.Fatal(diags)
	}
	b.registry.Swap(sets, nil, nil)
	decl := schema.Table{
		Name: "rates", Kind: "lcr", File: schema.Text{S: b.path}, Gateways: []string{"a", "b", "c"},
	}
	if b.tables, diags = data.Load([]schema.Table{decl}, nil, nil); diags != nil {
		t.Fatal(diags)
	}
	e := &gateway.Env{
		Registry: b.registry, Sets: sets, Args: v.Get("args"),
		Text:      func(string) func([]byte, *job.Job) []byte { return nil },
		Variables: func(*schema.Value) []*vars.Var { return nil },
		Arm: func(string) gateway.Arm {
			return func(context.Context, *job.Job, int) job.Verdict { b.none++; return job.Done }
		},
	}
	number := func(dst []byte, j *job.Job) []byte { return append(dst, "4930123"...) }
	group := func(dst []byte, _ *job.Job) []byte { return append(dst, b.group...) }
	b.lcr, b.next = New(e, b.tables.Get("rates"), number, group), gateway.NewNext(e)
	return b
}

func (b *bench) write(rows string, later int) {
	b.Helper()
	if err := os.WriteFile(b.path, []byte(rows), 0o600); err != nil {
		b.Fatal(err)
	}
	at := time.Now().Add(time.Duration(later) * time.Second)
	if err := os.Chtimes(b.path, at, at); err != nil {
		b.Fatal(err)
	}
}

// run runs a step, and is the Request-URI and the next hop after it.
func (b *bench) run(s job.Step, j *job.Job) string {
	b.Helper()
	before := b.none
	if _, err := s.Run(context.Background(), j); err != nil {
		return err.Error()
	}
	if b.none > before {
		return "none"
	}
	return string(j.Msg.RURI()) + " " + string(j.Own.NextHop)
}

func call(t *testing.T, uri string) *job.Job {
	m := new(sip.Message)
	err := m.Parse([]byte("INVITE " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n" +
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &job.Job{Msg: m}
}

// Each way has the number as its row wants it, from the number there was at first; a set is tried
// once, and all of its gateways before the next.
func TestWays(t *testing.T) {
	b := start(t, `prefix,gateways,cost,strip,add
4930,a,0.01,2,00
4930,b a,0.02,,
49,a c,,4,#
`)
	j := call(t, "sip:4930123@example.net;user=phone")
	for i, want := range []string{
		"sip:0030123@example.net;user=phone sip:192.0.2.1",
		"sip:0030123@example.net;user=phone sip:192.0.2.2",
		"sip:4930123@example.net;user=phone sip:192.0.2.3",
		"sip:%23123@example.net;user=phone sip:192.0.2.4",
		"none",
		"none",
	} {
		step := b.next
		if i == 0 {
			step = b.lcr
		}
		if got := b.run(step, j); got != want {
			t.Errorf("%d: want %s, got %s", i, want, got)
		}
	}
	b.registry.SetMode("a", "", gateway.Disabled)
	if got := b.run(b.lcr, call(t, "sip:4930123@h")); got != "sip:4930123@h sip:192.0.2.3" {
		t.Errorf("past a set that is down: %s", got)
	}
}

// Who has fewer digits than a row strips is not sent anywhere.
func TestTooShort(t *testing.T) {
	b := start(t, "gateways,strip,add\na,3,\n")
	for uri, want := range map[string]string{
		"sip:491@h":  "the user of the Request-URI has too few characters to strip",
		"sip:4912@h": "sip:2@h sip:192.0.2.1",
		"sip:h":      "the user of the Request-URI has too few characters to strip",
		"tel:4912":   "tel:2 sip:192.0.2.1",
	} {
		if got := b.run(b.lcr, call(t, uri)); got != want {
			t.Errorf("%s: want %s, got %s", uri, want, got)
		}
	}
}

// A call goes on by the rows it met, and one that begins later by those there are then.
func TestReloaded(t *testing.T) {
	b := start(t, "gateways,cost,add\na,,1\nb,1,2\n")
	j := call(t, "sip:7@h")
	if got := b.run(b.lcr, j); got != "sip:17@h sip:192.0.2.1" {
		t.Fatal(got)
	}
	b.write("gateways,add\nc,3\n", 5)
	quiet := slog.New(slog.DiscardHandler)
	b.tables.Refresh(quiet)
	b.tables.Refresh(quiet)
	for _, want := range []string{"sip:17@h sip:192.0.2.2", "sip:27@h sip:192.0.2.3", "none"} {
		if got := b.run(b.next, j); got != want {
			t.Errorf("the call under way: want %s, got %s", want, got)
		}
	}
	if got := b.run(b.lcr, call(t, "sip:7@h")); got != "sip:37@h sip:192.0.2.4" {
		t.Errorf("a new call: %s", got)
	}
}

// Rows of a group are for it alone.
func TestGroup(t *testing.T) {
	b := start(t, "gateways,group,cost\na,gold,\nb,,1\n")
	if got := b.run(b.lcr, call(t, "sip:7@h")); got != "sip:7@h sip:192.0.2.3" {
		t.Errorf("of no group: %s", got)
	}
	b.group = "gold"
	if got := b.run(b.lcr, call(t, "sip:7@h")); got != "sip:7@h sip:192.0.2.1" {
		t.Errorf("of gold: %s", got)
	}
}

// A request costs what is kept of it for next_destination, and nothing else.
func TestAllocations(t *testing.T) {
	b := start(t, "prefix,gateways,cost,strip,add\n4930,a,0.01,2,00\n4930,b,0.02,,\n49,c,,4,#\n")
	j := job.Get()
	defer job.Put(j)
	m := call(t, "sip:4930123@example.net").Msg
	n := testing.AllocsPerRun(100, func() {
		j.Reset()
		m.SetRURI([]byte("sip:4930123@example.net"))
		j.Msg = m
		if _, err := b.lcr.Run(context.Background(), j); err != nil || j.Own.NextHop == nil {
			t.Fatal(err)
		}
	})
	if n > 1 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}
