package daemon

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/jsonrpc"
	"sipedge/cmd/sipedge/internal/mi"
	"sipedge/router/registrar"
)

var update = flag.Bool("update", false, "write what comes into testdata")

// method carries out one; params are JSON.
func (c *controlled) method(t *testing.T, method, params string) jsonrpc.Response {
	t.Helper()
	q := jsonrpc.Request{Version: "2.0", Method: method, ID: 1}
	if params != "" {
		q.Params = json.RawMessage(params)
	}
	var r jsonrpc.Response
	if err := c.do(t, "rpc", q, &r); err != nil {
		t.Fatalf("%s %s: %v", method, params, err)
	}
	return r
}

// varying is what differs from run to run.
var varying = []struct {
	what *regexp.Regexp
	is   string
}{
	{regexp.MustCompile(`"(Now|Up since)":"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"`),
		`"$1":"ctime"`},
	{regexp.MustCompile(`"Up time":"\d+ \[sec\]"`), `"Up time":"N [sec]"`},
	{regexp.MustCompile(`"Server":"sipedge \([^"]*\)"`), `"Server":"sipedge (…)"`},
	{regexp.MustCompile(fmt.Sprintf(`"PID":%d,`, os.Getpid())), `"PID":N,`},
	{regexp.MustCompile(`(\{"ID":\d+,"PID":N,"Type":"goroutine [^}]*\},?)+`), `…`},
	{regexp.MustCompile(`127\.0\.0\.1:\d{2,}`), `127.0.0.1:N`},
	{regexp.MustCompile(`"ContactID":"[0-9a-f]+"`), `"ContactID":"N"`},
	{regexp.MustCompile(`"Callid":"[^"]+"`), `"Callid":"…"`},
	{regexp.MustCompile(`"Expires":(8\d|90),`), `"Expires":90,`},
}

// Each line of testdata/mi is a call, and the next, which begins with =, what comes of it. Every
// method is called.
func TestMethods(t *testing.T) {
	c := startControlled(t, `backends:
  contacts: {memory: {}}
  media: {rtpengine: {nodes: [{udp: "127.0.0.1:9"}], ping: 1h}}
gateways: {pstn: {destinations: [{uri: "sip:127.0.0.1:9", weight: 2}, {uri: "sip:127.0.0.1:8"}]}}
tables: {banned: {cache: {ttl: 5m, ipv6_prefix: 64}}, did: {prefix: {values: {"49": berlin}}}}
`)
	const file = "testdata/mi"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	called := map[string]bool{"kill": true} // TestKill
	for _, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		if strings.HasPrefix(line, "=") {
			continue
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		method, params, _ := strings.Cut(line, " ")
		r := c.method(t, method, params)
		called[method] = true
		text := "= " + string(r.Result)
		if r.Error != nil {
			text = fmt.Sprintf("= %d %s", r.Error.Code, r.Error.Message)
		}
		for _, v := range varying {
			text = v.what.ReplaceAllString(text, v.is)
		}
		out.WriteString(text + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want := string(b); out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	for _, m := range mi.Methods() {
		if !called[m.Name] {
			t.Errorf("%s is not called", m.Name)
		}
	}
}

// A policy that is refused is told with its problems.
func TestMethodReload(t *testing.T) {
	c := startControlled(t, "")
	c.set(c.policy + "x: 1\n")
	r := c.method(t, "reload_routes", "")
	var told []control.Problem
	if r.Error == nil || r.Error.Code != 422 {
		t.Fatalf("%+v", r)
	}
	b, _ := json.Marshal(r.Error.Data)
	if err := json.Unmarshal(b, &told); err != nil || len(told) != 1 || told[0].Code == "" {
		t.Errorf("%s, %v", b, err)
	}
}

// What reads a module's data again reads the tables that are in databases: a policy that is read
// again leaves those alone that it declares as before.
func TestMethodRefresh(t *testing.T) {
	folder := t.TempDir()
	write := func(rows string) {
		t.Helper()
		table := []byte("domain(string)\n" + rows)
		if err := os.WriteFile(filepath.Join(folder, "domain"), table, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.example\n")
	c := startControlled(t, fmt.Sprintf(`backends:
  contacts: {memory: {}}
  store: {text: {folder: %q}}
tables: {served: {set: {sql: {backend: store, table: domain, key: domain}, refresh: 1h}}}
`, folder))
	rows := func() int {
		var all control.Tables
		if err := c.do(t, "tables", nil, &all); err != nil {
			t.Fatal(err)
		}
		return all.Tables[0].Rows
	}
	for n, method := range []string{"dr_reload", "domain_reload", "address_reload"} {
		if got := rows(); got != n+1 {
			t.Fatalf("before %s: %d rows, want %d", method, got, n+1)
		}
		write("a.example\nb.example\nc.example\nd.example\n"[:len("a.example\n")*(n+2)])
		if r := c.method(t, method, ""); string(r.Result) != `"OK"` {
			t.Errorf("%s: %+v", method, r)
		}
		for end := time.Now().Add(20 * time.Second); rows() != n+2; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %d rows, want %d", method, rows(), n+2)
			}
		}
	}
}

// Kill ends the server, and is answered.
func TestKill(t *testing.T) {
	c := startOrdered(t, time.Minute)
	c.call(t) // kill does not wait for it
	if r := c.method(t, "kill", ""); string(r.Result) != `"OK"` {
		t.Fatalf("%+v", r)
	}
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}

// A notification is carried out and not answered, in a batch too.
func TestNotification(t *testing.T) {
	c := startControlled(t, "")
	batch := []jsonrpc.Request{
		{Version: "2.0", Method: "ul_add",
			Params: []string{"contacts", "a@example.net", "sip:a@192.0.2.1", "90"}},
		{Version: "2.0", Method: "ul_rm", Params: []string{"contacts", "nobody@example.net"}},
		{Version: "2.0", Method: "which", ID: "w"},
	}
	var answers []jsonrpc.Response
	if err := c.do(t, "rpc", batch, &answers); err != nil || len(answers) != 1 ||
		string(answers[0].ID) != `"w"` {
		t.Errorf("%+v, %v", answers, err)
	}
	if r := c.method(t, "ul_show_contact", `["contacts", "a@example.net"]`); r.Error != nil {
		t.Errorf("%+v", r.Error)
	}
}

// What is more than fits into memory is refused, as ul_dump of too many.
func TestDumpOfMany(t *testing.T) {
	c := startControlled(t, "")
	const most = 10_000
	store, now := c.data.Load().Locations("contacts"), time.Now()
	bind, err := registrar.NewAddition(backends.Binding{
		Contact: []byte("sip:u@192.0.2.7"), Expires: now.Add(time.Hour), Q: 1000,
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	for n := range most {
		err := store.Update(t.Context(), fmt.Appendf(nil, "u%d@example.net", n), now, bind)
		if err != nil {
			t.Fatal(err)
		}
	}
	var all struct{ Domains []struct{ AORs []any } }
	r := c.method(t, "ul_dump", "")
	if err := json.Unmarshal(r.Result, &all); err != nil || len(all.Domains[0].AORs) != most {
		t.Fatalf("%v, %+v", err, r.Error)
	}
	c.add(t, "one@example.net", "sip:one@192.0.2.7")
	if r := c.method(t, "ul_dump", `{"brief": 1}`); r.Error == nil || r.Error.Code != 413 {
		t.Errorf("%+v", r.Error)
	}
}

// More calls than the server serves at once wait, and all are answered.
func TestCallsAtOnce(t *testing.T) {
	c := startControlled(t, "")
	var all sync.WaitGroup
	failed := make(chan error, 1000)
	for n := range cap(failed) {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
			defer cancel()
			q, r := jsonrpc.Request{Version: "2.0", Method: "uptime", ID: n}, jsonrpc.Response{}
			if n%2 == 1 {
				q.Method, q.Params = "ul_dump", []int{1}
			}
			err := c.Do(ctx, "rpc", nil, q, &r)
			if err != nil || r.Error != nil || string(r.ID) != fmt.Sprint(n) {
				failed <- fmt.Errorf("%w, %+v", err, r)
			}
		})
	}
	all.Wait()
	if n := len(failed); n > 0 {
		t.Errorf("%d of %d calls failed: %v", n, cap(failed), <-failed)
	}
}
