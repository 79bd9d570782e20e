package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/sqlite"
	"sipedge/cmd/sipedge/internal/control"
	"sipedge/schema"
)

// controlled is a daemon that keeps bindings, and a client of its socket.
type controlled struct {
	*running
	*control.Client
	socket string
}

func startControlled(t *testing.T, more string) *controlled {
	t.Helper()
	c, policy := controlledBy(t, more)
	c.running = startPolicy(t, policy)
	return c
}

// controlledBy is a client of a daemon that is to run by a policy.
func controlledBy(t *testing.T, more string) (c *controlled, policy string) {
	t.Helper()
	c = &controlled{socket: filepath.Join(t.TempDir(), "ctl.sock")}
	c.Client = control.NewClient(c.socket)
	policy = strings.Replace(testPolicy, `admin: {`, fmt.Sprintf("admin: {socket: %q, ", c.socket), 1)
	if !strings.Contains(more, "backends:") {
		more += "backends: {contacts: {memory: {}}}\n"
	}
	if !strings.Contains(more, "tables:") {
		more += "tables: {them: {set: {values: [a, b]}}}\n"
	}
	return c, policy + more
}

// do asks for an operation, whose query is pairs of names and values.
func (c *controlled) do(t *testing.T, id string, in, out any, query ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Add(query[i], query[i+1])
	}
	return c.Do(ctx, id, q, in, out)
}

// status is that of an error of the server; 0 of another.
func status(err error) int {
	if e, ok := errors.AsType[*control.Error](err); ok {
		return e.Status
	}
	return 0
}

func (c *controlled) add(t *testing.T, aor, contact string) {
	t.Helper()
	if err := c.do(t, "add_binding", &control.Addition{Contact: contact}, new(control.Bound),
		"aor", aor); err != nil {
		t.Fatal(err)
	}
}

// What every operation answers is what OpenAPI says; those that end the server: TestOrderDrain.
func TestControlOperations(t *testing.T) {
	c := startControlled(t, `backends:
  contacts: {memory: {}}
  media: {rtpengine: {nodes: [{udp: "127.0.0.1:9"}]}}
gateways: {pstn: {destinations: [{uri: "sip:127.0.0.1:9"}]}}
tables:
  rates: {lcr: {values: [{prefix: "49", gateways: pstn}, {gateways: pstn, group: gold}]}}
  peers: {address: {values: [{grp: 2, ip: 192.0.2.0/24, pattern: "sip:*", context_info: office}]}}
  banned: {cache: {ttl: 5m}}
`)
	var doc map[string]any
	if err := c.do(t, "openapi", nil, &doc); err != nil {
		t.Fatal(err)
	}
	c.add(t, "alice@example.net", "sip:alice@192.0.2.7")
	const alice = "?aor=alice@example.net"
	asked := map[string]bool{}
	for _, q := range []struct{ id, query, body string }{
		{"openapi", "", ""}, {"version", "", ""}, {"uptime", "", ""}, {"ps", "", ""},
		{"statistics", "?name=go_&name=sipedge_", ""}, {"tables", "", ""}, {"refresh_tables", "", ""},
		{"put_row", "?table=banned&key=a", `{"value": "1"}`}, {"row", "?table=banned&key=a", ""},
		{"put_row", "?table=banned&key=b", `{"value": "1", "ttl_seconds": 9}`},
		{"rows", "?table=banned&limit=1", ""}, {"remove_row", "?table=banned&key=a", ""},
		{"flush_rows", "?table=banned", ""},
		{"backends", "", ""},
		{"certificates", "", ""}, {"renew", "", ""},
		{"media", "", ""}, {"enable_media", "?node=127.0.0.1:9", `{"enabled": false}`},
		{"gateways", "", ""}, {"set_gateway", "?set=pstn", `{"mode": "drained"}`},
		{"rates", "?number=4930", ""},
		{"address", "?address=192.0.2.7:5060&transport=udp&group=1&group=2&text=sip:a@b&table=peers", ""},
		{"targets", "", ""}, {"clear_targets", "", ""},
		{"log_level", "", ""}, {"set_log_level", "", `{"level": "warn"}`},
		{"add_binding", alice, `{"contact": "sip:a@192.0.2.8", "q": 0, "expires_seconds": 90,
			"path": "<sip:p@192.0.2.1;lr>", "received": "sip:192.0.2.3:4000"}`},
		{"binding", alice, ""}, {"bindings", "", ""}, {"remove_binding", alice, ""},
		{"flush", "?location=contacts", ""}, {"reload", "", ""},
		{"events", "?limit=1&name=E_RELOAD", ""},
		{"rpc", "", `{"jsonrpc": "2.0", "id": 1, "method": "uptime"}`},
		{"rpc", "", `[{"jsonrpc": "2.0", "id": "a", "method": "which"}, {"jsonrpc": "2.0", "id": 2}]`},
	} {
		asked[q.id] = true
		for _, o := range control.Operations {
			if o.ID == q.id {
				c.conforms(t, doc, &o, o.Path+q.query, q.body)
			}
		}
	}
	if n := len(control.Operations); len(asked) != n-2 {
		t.Errorf("%d of %d operations were asked for", len(asked), n)
	}
}

// Who is banned is served again when the ban is lifted, and not because the policy is read again.
func TestBanLifted(t *testing.T) {
	c, policy := controlledBy(t, "tables: {banned: {cache: {ttl: 1h}}}\n")
	c.running = startPolicy(t, strings.Replace(policy, `[{do: [{reply: {code: 200}}]}]`,
		`[{match: {source: {in: banned}}, do: [{reply: {code: 403}}]},
		{do: [{ban: {table: banned}}, {reply: {code: 200}}]}]`, 1))
	ban := []string{"table", "banned", "key", "127.0.0.1"}
	for range 2 {
		c.options(t, "1")
		if err := c.do(t, "reload", nil, new(control.Reload)); err != nil {
			t.Fatal(err)
		}
		var row control.Row
		err := c.do(t, "row", nil, &row, ban...)
		if err != nil || row.Key != "127.0.0.1" || row.Left < 3500 || row.Left > 3600 {
			t.Fatalf("%+v, %v", row, err)
		}
		if err := c.do(t, "remove_row", nil, new(control.RowsRemoved), ban...); err != nil {
			t.Fatal(err)
		}
	}
}

// conforms asks over HTTP and holds the answer against the document.
func (c *controlled) conforms(
	t *testing.T, doc map[string]any, o *control.Operation, path, body string,
) {
	t.Helper()
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.socket)
		}}}
	r, err := http.NewRequest(o.Method, "http://sipedge"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := web.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		t.Errorf("%s: %d %s, %v", o.ID, answer.StatusCode, text, err)
		return
	}
	content := at(doc, "paths", o.Path, strings.ToLower(o.Method), "responses", "200", "content",
		answer.Header.Get("Content-Type"), "schema")
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Errorf("%s: %v in %s", o.ID, err, text)
	} else if err := fits(doc, content, v); err != nil {
		t.Errorf("%s: %v\n%s", o.ID, err, text)
	}
}

// at follows keys of a document; nil: there is no such thing.
func at(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// fits holds a value against a JSON Schema of those that control writes.
func fits(doc map[string]any, schema, v any) error {
	if ref, ok := at(schema, "$ref").(string); ok {
		schema = at(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	if any, ok := at(schema, "oneOf").([]any); ok {
		var err error
		for _, one := range any {
			if err = fits(doc, one, v); err == nil {
				break
			}
		}
		return err
	}
	kind := map[string]bool{}
	switch v := v.(type) {
	case map[string]any:
		kind["object"] = true
		for name, one := range v {
			of := at(schema, "properties", name)
			if of == nil {
				of = at(schema, "additionalProperties")
			}
			if of == false {
				return fmt.Errorf("%s is not told of", name)
			}
			if of != nil {
				if err := fits(doc, of, one); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
		need, _ := at(schema, "required").([]any)
		for _, name := range need {
			if _, ok := v[name.(string)]; !ok {
				return fmt.Errorf("%s is missing", name)
			}
		}
	case []any:
		kind["array"] = true
		for _, one := range v {
			if err := fits(doc, at(schema, "items"), one); err != nil {
				return err
			}
		}
	case string:
		kind["string"] = true
	case float64:
		kind["number"], kind["integer"] = true, v == float64(int64(v))
	case bool:
		kind["boolean"] = true
	}
	want, typed := at(schema, "type").(string)
	if typed && !kind[want] {
		return fmt.Errorf("%v is no %q", v, want)
	}
	return nil
}

func TestControlRefuses(t *testing.T) {
	c := startControlled(t, "backends: {one: {memory: {}}, two: {memory: {}}, db: {sqlite: "+
		"{file: /nonexistent/x.db}}}\n")
	long := control.Addition{Contact: "sip:a@" + strings.Repeat("x", (64<<10))}
	for _, q := range []struct {
		name, id string
		in       any
		query    []string
		want     int
	}{
		{"a parameter it has not", "uptime", nil, []string{"x", "y"}, 400},
		{"a parameter twice", "binding", nil, []string{"aor", "a@b", "aor", "c@d"}, 400},
		{"no address of record", "binding", nil, []string{"location", "one"}, 400},
		{"none of two stores", "bindings", nil, nil, 400},
		{"a store that is none", "bindings", nil, []string{"location", "db"}, 404},
		{"no binding", "binding", nil, []string{"location", "one", "aor", "a@b"}, 404},
		{"nothing to remove", "remove_binding", nil, []string{"location", "one", "aor", "a@b"}, 404},
		{"an AOR that is none", "binding", nil, []string{"location", "one", "aor", "a\r\nb@c"}, 400},
		{"no limit", "bindings", nil, []string{"location", "one", "limit", "0"}, 400},
		{"no body", "set_log_level", nil, nil, 400},
		{"another body", "set_log_level", map[string]int{"x": 1}, nil, 400},
		{"a level that is none", "set_log_level", control.LogLevel{Level: "loud"}, nil, 400},
		{"a long body", "add_binding", long, []string{"location", "one", "aor", "a@b"}, 413},
		{"a contact that is none", "add_binding", control.Addition{Contact: "sip:a@b\r\nX: y"},
			[]string{"location", "one", "aor", "a@b"}, 400},
		{"a path that is none", "add_binding", control.Addition{Contact: "sip:a@b", Path: "p"},
			[]string{"location", "one", "aor", "a@b"}, 400},
		{"no time to live", "add_binding", control.Addition{Contact: "sip:a@b", Expires: -1},
			[]string{"location", "one", "aor", "a@b"}, 400},
		{"for ever", "add_binding", control.Addition{Contact: "sip:a@b", Expires: 1e300},
			[]string{"location", "one", "aor", "a@b"}, 400},
	} {
		err := c.do(t, q.id, q.in, new(any), q.query...)
		if status(err) != q.want {
			t.Errorf("%s: %d, %v, want %d", q.name, status(err), err, q.want)
		}
	}
}

// What is removed is gone in the database, too, and nothing is when it can't be asked.
func TestControlBindings(t *testing.T) {
	db := filepath.Join(t.TempDir(), "b.db")
	makeTables(t, db)
	c := startControlled(t, fmt.Sprintf("backends: {store: {sqlite: {file: %q}}, contacts: "+
		"{memory: {persist: write_through, database: store}}}\n", db))
	for n := range 3 {
		c.add(t, "alice@example.net", fmt.Sprintf("sip:alice@192.0.2.%d", n))
		c.add(t, fmt.Sprintf("bob%d@example.net", n), "sip:bob@192.0.2.7")
	}
	c.add(t, "alice@example.net", "sip:alice@192.0.2.0") // the same again
	for _, step := range []struct {
		id, query string
		removed   int
		left      int
	}{
		{"remove_binding", "aor=sip:alice@EXAMPLE.net&contact=sip:alice@192.0.2.1", 1, 5},
		{"remove_binding", "aor=alice@example.net", 2, 3},
		{"remove_binding", "aor=bob1@example.net", 1, 2},
		{"flush", "location=contacts", 2, 0},
	} {
		q, _ := url.ParseQuery(step.query)
		var r control.Removed
		if err := c.Do(context.Background(), step.id, q, nil, &r); err != nil ||
			r.Removed != step.removed {
			t.Errorf("%s %s: %v, %d removed, want %d", step.id, step.query, err, r.Removed, step.removed)
		}
		rows, err := c.data.Load().Get("store").(backends.DB).Select(context.Background(),
			backends.Select{Table: "location", Columns: []string{"contact"}})
		if err != nil || len(rows) != step.left {
			t.Errorf("%s %s: %d rows are left, %v, want %d", step.id, step.query, len(rows), err,
				step.left)
		}
	}
}

// A list breaks off for a client that takes nothing of it; the store does not wait for him.
func TestControlStalled(t *testing.T) {
	c := startControlled(t, "")
	const many = 2000
	for n := range many {
		c.add(t, fmt.Sprintf("user%d@example.net", n), "sip:user@192.0.2.7;x="+strings.Repeat("x", 200))
	}
	conn, err := net.Dial("unix", c.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /v1/bindings HTTP/1.1\r\nHost: sipedge\r\n\r\n")
	one := make([]byte, 1)
	if _, err := io.ReadFull(conn, one); err != nil { // the answer has begun
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // and has filled the socket
	began := time.Now()
	for n := range many / 4 {
		c.add(t, fmt.Sprintf("user%d@example.net", n), "sip:user@192.0.2.8")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%d changes took %v beside a client who does not read", many/4, took)
	}
	var count int
	err = c.Stream(context.Background(), "bindings", nil, func([]byte) error { count++; return nil })
	if err != nil || count != many {
		t.Errorf("%d of %d addresses of record, %v", count, many, err)
	}
}

// More clients than the server serves at once wait, and all are served.
func TestControlManyAtOnce(t *testing.T) {
	c := startControlled(t, "")
	var all sync.WaitGroup
	failed := make(chan error, 1000)
	for range cap(failed) {
		all.Go(func() {
			if err := c.do(t, "uptime", nil, new(control.Uptime)); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	if n := len(failed); n > 0 {
		t.Errorf("%d of %d calls failed: %v", n, cap(failed), <-failed)
	}
}

func TestControlReload(t *testing.T) {
	c := startControlled(t, "")
	good := c.policy
	for _, step := range []struct {
		name, policy string
		want         int
		problems     int
	}{
		{"the same", good, 0, 2}, // nothing uses its table and its backend
		{"a mistake", good + "x: 1\n", 422, 1},
		{"an address of another host",
			strings.Replace(good, `udp: "127.0.0.1:0"`, `udp: "192.0.2.1:5060"`, 1), 422, 3},
		{"a listener less", strings.Replace(good, `{udp: "127.0.0.1:0"}, `, "", 1), 0, 2},
		{"another socket", strings.Replace(good, "ctl.sock", "x.sock", 1), 422, 0},
		{"nothing to read", "", 502, 0},
		{"the same again", good, 0, 2},
	} {
		c.set(step.policy)
		var done control.Reload
		err := c.do(t, "reload", nil, &done)
		problems, text := done.Problems, done.Text
		if e, ok := errors.AsType[*control.Error](err); ok {
			problems, text = e.Problems, e.Text
		}
		if status(err) != step.want || len(problems) != step.problems ||
			(text == "") != (step.problems == 0) {
			t.Errorf("%s: %v, %d problems\n%s", step.name, err, len(problems), text)
		}
	}
	if n := c.generation.Load(); n != 4 {
		t.Errorf("generation %d, want 4", n)
	}
}

// makeTables makes the tables of a database.
func makeTables(t *testing.T, file string) {
	t.Helper()
	settings, diags := schema.ReadData("x.yaml", fmt.Appendf(nil, "file: %q", file))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	b, diags := sqlite.Driver.Open(&backends.Opening{
		Settings: &settings, Log: slog.New(slog.DiscardHandler),
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	defer b.Close()
	if err := b.(backends.Migrator).Migrate(context.Background(), backends.Tables); err != nil {
		t.Fatal(err)
	}
}
