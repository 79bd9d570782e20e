package policytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/router"
)

const policy = `-- policy.yaml --
version: 1
listen: [{udp: "192.0.2.10:5060"}, {tcp: "192.0.2.10:5060"}, {udp: "[2001:db8::10]:5060"}]
domains: [example.net]
vars: {avp.who: string, var.n: int}
tables: {known: {set: {values: [alice]}}, seen: {cache: {ttl: 1m}}}
routes:
  request:
    - name: known
      match: {from: {user: {in: known}}}
      do: [{log: {message: "known {from.user}"}}]
    - name: again
      match: {from: {user: {in: seen}}}
      do: [{reply: {code: 486}}]
    - name: quiet
      match: {method: MESSAGE}
      do: [{put: {table: seen, key: "{from.user}"}}, {drop: {}}]
    - do:
        - set: {avp.who: "{from.user}", var.n: 7}
        - set_header: {X-Via: "{transport} {source}"}
        - relay: {to: "sip:gw1.example.org", reply: all_of_them, failure: second}
  reply:
    all_of_them: [{do: [{remove_header: Server}]}]
  failure:
    second:
      - name: next one
        match: {status: [5xx, 408]}
        do: [{relay: {to: "sip:gw2.example.org;transport=tcp"}}]
-- policy.test.yaml --
`

// load makes a file of tests of the policy above.
func load(t testing.TB, tests string) *File {
	t.Helper()
	return loadArchive(t, policy+tests)
}

// loadArchive makes a file of tests of an archive with it and its policy.
func loadArchive(t testing.TB, archive string) *File {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		if err := os.WriteFile(dir+"/"+f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, src, diags, err := Load(dir+"/policy.test.yaml", router.Vocabulary())
	if f == nil {
		t.Fatal(err, diags.Text(src))
	}
	return f
}

// What comes true does, and what does not is told with both sides.
func TestExpectations(t *testing.T) {
	for _, c := range []struct{ name, given, expect, want string }{
		{"path", "", "path: [request/4, all_of_them/1]", ""},
		{"path by route and name", "branches: [{reply: 500}]",
			"path: [request/4, all_of_them/1, second/next one, all_of_them/1]", ""},
		{"wrong path", "", "path: [known]", "path: want known, got request/4, all_of_them/1"},
		{"no path", "", "path: []", "path: want none, got request/4, all_of_them/1"},
		{"reply", "", "reply: 200", ""},
		{"wrong reply", "", "reply: 404", "reply: want 404, got 200"},
		{"no reply", "given: {method: MESSAGE}", "reply: none", ""},
		{"a reply after all", "", "reply: none", "reply: want none, got 200"},
		{"class", "branches: [{reply: 603}]", "reply: {code: 6xx, reason: Decline}", ""},
		{"header of the reply",
			"branches: [{reply: {code: 302, headers: {Contact: <sip:a@b>, Server: x}}}]",
			"reply: {headers: {m: {contains: a@b}, Server: false}}", ""},
		{"header that is gone", "", "reply: {headers: {Server: true}}",
			"reply.headers.Server: want present, got absent"},
		{"last target", "branches: [{silent: true}]", "relayed_to: gw2.example.org/tcp", ""},
		{"all targets", "branches: [{reply: 503}]",
			"relayed_to: [sip:gw1.example.org, gw2.example.org/tcp]", ""},
		{"wrong target", "", "relayed_to: gw2.example.org",
			"relayed_to: want gw2.example.org, got gw1.example.org"},
		{"wrong transport", "branches: [{reply: 503}]", "relayed_to: gw2.example.org/udp",
			"relayed_to: want gw2.example.org/udp, got gw1.example.org, gw2.example.org/tcp"},
		{"nowhere", "given: {method: MESSAGE}", "relayed_to: none", ""},
		{"somewhere", "", "relayed_to: none", "relayed_to: want none, got gw1.example.org"},
		{"uri", "given: {uri: \"sip:7@example.net;x=1\"}", "uri: {prefix: \"sip:7@\", suffix: x=1}", ""},
		{"header", "given: {source: 203.0.113.7:5090/tcp}", "headers: {X-Via: tcp 203.0.113.7:5090}", ""},
		{"wrong header", "", "headers: {X-Via: {regex: ^tls}}",
			"headers.X-Via: want regex ^tls, got udp 203.0.113.9:5060"},
		{"no message", "given: {method: MESSAGE}", "headers: {X-Via: true}",
			"headers: want a request that leaves, got none"},
		{"IPv6", "given: {source: \"[2001:db8:1::1]:5080/udp\"}",
			"headers: {X-Via: \"udp [2001:db8:1::1]:5080\"}", ""},
		{"body", "given: {body: \"v=0\\n\"}", "body: \"v=0\\n\"", ""},
		{"vars", "given: {from: \"sip:bob@example.net\"}", "vars: {avp.who: bob, var.n: 7}", ""},
		{"wrong vars", "", "vars: {var.n: 8}", "var.n: want 8, got 7"},
		{"log", "given: {from: \"sip:alice@example.net\"}", "log: {contains: alice}", ""},
		{"no log", "", "log: {contains: alice}", "log: want contains alice, got none"},
		{"stub table", "tables: {known: [bob]}\n    given: {from: \"sip:bob@x.org\"}",
			"log: known bob", ""},
		{"stub cache", "given: {method: MESSAGE, from: \"sip:bob@x.org\"}", "path: [quiet]", ""},
		{"nothing is kept", "given: {method: INVITE, from: \"sip:bob@x.org\"}", "reply: 200", ""},
		{"message", "given: {message: \"BYE sip:a@b SIP/2.0\\nX: y\\n\"}",
			"headers: {X: y, CSeq: 1 BYE}", ""},
		{"raw",
			"given: {raw: \"INVITE sip:a@b SIP/2.0\\nVia: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKx\\n\\n\"}",
			"path: []", ""},
		{"header left out", "given: {headers: {Max-Forwards: false}}",
			"headers: {Max-Forwards: \"70\"}", ""},
		{"no hops left", "given: {headers: {Max-Forwards: \"0\"}}", "reply: 483", ""},
		{"named branch", "branches: [{to: gw2.example.org/tcp, reply: 486}, {reply: 500}]",
			"reply: 486", ""},
		{"late", "branches: [{silent: 40s, reply: 200}, {reply: 480}]", "reply: 480", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := load(t, fmt.Sprintf("tests:\n  - name: a\n    %s\n    expect: {%s}\n", c.given, c.expect))
			r := f.Run(nil)[0]
			var got []string
			for _, x := range r.Failed {
				got = append(got, fmt.Sprintf("%s: want %s, got %s", x.What, x.Want, x.Got))
			}
			if all := strings.Join(got, "; "); all != c.want || r.Error != "" || r.OK() != (c.want == "") {
				t.Errorf("want %q, got %q, %s", c.want, all, r.explanation())
			}
		})
	}
}

// The cases of a file do not touch each other, whichever ran before.
func TestCasesStandAlone(t *testing.T) {
	f := load(t, `tests:
  - {name: a, given: {from: "sip:a@x.org"}, branches: [{silent: true}], expect: {reply: 200}}
  - {name: b, given: {method: MESSAGE, from: "sip:a@x.org"}, expect: {reply: none}}
  - name: c
    given: {from: "sip:a@x.org"}
    branches: [{reply: 180, silent: true}]
    expect: {reply: 200}
  - {name: d, given: {from: "sip:a@x.org"}, branches: [{reply: 486}], expect: {reply: 486}}
`)
	for range 3 {
		for _, r := range f.Run(nil) {
			if !r.OK() {
				t.Errorf("%s: %s", r.Case.Name, r.explanation())
			}
		}
	}
}

// Update leaves a file whose tests pass, and all else in it.
func TestUpdate(t *testing.T) {
	f := load(t, `# A comment.
tests:
  - name: block
    given: {method: MESSAGE}   # quiet
    expect:
      path:
        - known
        # why
        - again

      reply: 404 # really?
      log: {empty: true}
  - {name: flow, expect: {reply: 500, path: []}, branches: [{reply: 503}, {reply: 404}]}
  - {name: none, branches: []}
  - name: last
    branches:
      - {reply: 503}
    expect:
      relayed_to: "gw1.example.org"
`)
	if err := Update(f.Path, f.Run(nil)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	want := `# A comment.
tests:
  - name: block
    given: {method: MESSAGE}   # quiet
    expect:
      path: [quiet]

      reply: none # really?
      log: {empty: true}
  - {name: flow, expect: {reply: 404, ` +
		`path: [request/4, all_of_them/1, next one, all_of_them/1]}, ` +
		`branches: [{reply: 503}, {reply: 404}]}
  - {name: none, branches: [], expect: {path: [request/4, all_of_them/1], reply: 200}}
  - name: last
    branches:
      - {reply: 503}
    expect:
      path: [request/4, all_of_them/1, next one, all_of_them/1]
      reply: 200
      relayed_to: [gw1.example.org, gw2.example.org/tcp]
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// A trace in JSON tells the same as in text.
func TestTraceJSON(t *testing.T) {
	f := load(t, "tests: [{name: a, branches: [{reply: 503}], expect: {reply: 404}}]\n")
	results := f.Run(nil)
	var b bytes.Buffer
	if err := WriteJSON(&b, results, Cover(results)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests []struct {
			Path  []string
			Trace []struct {
				Run *struct {
					Type  string
					Rules []struct {
						Failed *struct{ Field, Value string }
						Steps  []struct {
							Action string
							Edits  []struct{ Field, After string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	rules := got.Tests[0].Trace[0].Run.Rules
	if len(rules) != 4 || rules[0].Failed.Field != "from.user" || rules[3].Failed != nil {
		t.Fatalf("got %+v", rules)
	}
	edit := rules[3].Steps[1].Edits[0]
	if edit.Field != "headers.X-Via" || edit.After != "udp 203.0.113.9:5060" {
		t.Errorf("got %+v", edit)
	}
}

// Why rules did not match is asked of cases that failed alone.
func TestBriefTrace(t *testing.T) {
	f := load(t, "tests:\n  - {name: good, expect: {reply: 200}}\n"+
		"  - {name: bad, expect: {reply: 404}}\n")
	for i, want := range []int{1, 4} {
		r := &f.Run(nil)[i]
		if got := len(r.Scene.Trace.Events[0].Run.Rules); got != want || r.OK() != (i == 0) {
			t.Errorf("%s: OK %v with %d rules, want %d", r.Case.Name, r.OK(), got, want)
		}
	}
}

func BenchmarkCases(b *testing.B) {
	text := "tests:\n"
	for i := range 100 {
		text += fmt.Sprintf("  - {name: n%d, branches: [{reply: 503}], "+
			"expect: {relayed_to: [gw1.example.org, gw2.example.org/tcp], reply: 200}}\n", i)
	}
	f := load(b, text)
	f.doc.Routes.Request = slices.Delete(f.doc.Routes.Request, 2, 3) // nothing is put
	for b.Loop() {
		for _, r := range f.Run(nil) {
			if !r.OK() {
				b.Fatal(r.explanation())
			}
		}
	}
	b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "cases/s")
}
