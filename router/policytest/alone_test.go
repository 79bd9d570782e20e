package policytest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownPolicy has routes of every type: requests go to gw1, then to gw2, and ops is
// told of what happens.
const ownPolicy = `-- policy.yaml --
version: 1
listen: [{udp: "192.0.2.10:5060"}]
domains: [example.net]
vars: {var.n: int}
tables: {opened: {cache: {ttl: 90s}}, greeted: {cache: {ttl: 1h}}}
routes:
  request:
    - name: greeted
      match: {uri: {user: {in: greeted}}}
      do: [{reply: {code: 486}}]
    - name: open
      match: {uri: {user: {in: opened}}}
      do: [{reply: {code: 480}}]
    - name: call
      do: [{relay: {to: "sip:gw1.example.org", branch: each, failure: second, reply: seen}}]
  branch:
    each: [{name: a branch, do: [{set_header: {X-Branch: "{ruri.user}"}}]}]
  failure:
    second:
      - name: gateway down
        match: {status: 5xx}
        do:
          - send_request:
              {method: MESSAGE, to: "sip:ops@ops.example.net", body: "{status} to {method}"}
          - relay: {to: "sip:gw2.example.org"}
  reply:
    seen: [{name: a reply, do: [{log: {message: "{status}"}}]}]
  error:
    - name: hops
      match: {method: OPTIONS}
      do: [{reply: {code: 400, reason: "{error.text}", headers: {X-Error: "{error.class}"}}}]
    - name: unheard
      match: {method: INFO}
      do: [{drop: {}}]
  local:
    - name: stamp
      do: [{set_header: {X-By: "{from.host} to {ruri.user}"}}]
  startup:
    - log: {message: begins}
    - set: {var.n: 7}
    - put: {table: greeted, key: early}
    - send_request: {method: MESSAGE, to: "sip:begin@ops.example.net", body: "n={var.n}"}
  timer:
    sweep: {every: 60s, do: [{log: {message: sweeps}}, {put: {table: opened, key: sales}}]}
    probe:
      every: 7s
      do: [{send_request: {method: OPTIONS, to: "sip:gw1.example.org"}}, {route: late}]
  sub:
    late:
      - name: at night
        match: {time: {from: "22:00", to: "23:00"}}
        do: [{log: {message: night}}]
-- policy.test.yaml --
`

// loadOwn makes a file of tests of the policy above.
func loadOwn(t *testing.T, tests string) *File {
	t.Helper()
	return loadArchive(t, ownPolicy+tests)
}

// What the router does without a request is run, shown and expected; and what comes
// to a request of it, by its route type.
func TestRouteTypes(t *testing.T) {
	const call = "given: {uri: \"sip:bob@example.net\"}"
	for _, c := range []struct{ name, test, expect, want string }{
		{"startup", "run: startup", "path: [startup, stamp], vars: {var.n: 7}, log: [begins]," +
			"relayed_to: [ops.example.net], uri: \"sip:begin@ops.example.net\", body: \"n=7\"," +
			"headers: {X-By: example.net to begin}", ""},
		{"startup by number", "run: startup", "path: [startup/1, local/1]", ""},
		{"wrong startup", "run: startup", "path: [startup]", "path: want startup, got startup, stamp"},
		{"timer", "run: {timer: sweep}", "path: [sweep], log: sweeps, relayed_to: none", ""},
		{"timer that asks", "run: {timer: probe}",
			"path: [probe, stamp], relayed_to: [gw1.example.org], sent: {method: OPTIONS}", ""},
		{"timer again and again", "run: {timer: probe, for: 21s}",
			"path: [probe, stamp, probe, stamp, probe, stamp]", ""},
		{"timer too early", "run: {timer: probe, for: 6s}", "path: [], relayed_to: none", ""},
		{"timer by night", "run: {timer: probe}\n    given: {time: \"2026-03-02T22:00:00Z\"}",
			"path: [probe, at night, stamp], log: night", ""},
		{"timer by day", "run: {timer: probe}\n    given: {time: \"2026-03-02T21:59:59Z\"}",
			"path: [probe, stamp]", ""},
		{"no log of the start", "run: {timer: sweep}", "log: begins", "log: want begins, got sweeps"},
		{"filled by a timer", "given: {uri: \"sip:sales@example.net\", after: 60s}",
			"path: [open], reply: 480, log: {empty: true}",
			"log: want empty true, got none"},
		{"not yet", "given: {uri: \"sip:sales@example.net\", after: 59s}",
			"path: [call, a branch, a reply]", ""},
		{"a timer that stays away", "given: {uri: \"sip:bob@example.net\", after: 2m}\n" +
			"    branches: [{silent: 30s, reply: 404}]",
			"path: [call, a branch, a reply], relayed_to: [gw1.example.org]", ""},
		{"request", "given: {uri: \"sip:early@example.net\"}", "path: [greeted], reply: 486", ""},
		{"branch", call, "path: [call, a branch, a reply], headers: {X-Branch: bob}", ""},
		{"reply", call, "path: [call, a branch, a reply], reply: 200, log: [\"200\"]", ""},
		{"failure", call + "\n    branches: [{reply: 503}]",
			"path: [call, a branch, a reply, gateway down, a branch, stamp, a reply], reply: 200," +
				"sent: {method: INVITE, to: gw2.example.org, headers: {X-By: false, X-Branch: bob}}", ""},
		{"local", call + "\n    branches: [{reply: 503}]",
			"sent: [{method: INVITE, to: gw1.example.org}, {method: MESSAGE, to: ops.example.net," +
				"body: 503 to INVITE, headers: {X-By: example.net to ops}}]", ""},
		{"not sent so", call, "sent: {method: MESSAGE, to: ops.example.net}",
			"sent: want method MESSAGE, to ops.example.net, " +
				"got INVITE sip:bob@example.net to gw1.example.org"},
		{"error", "given: {method: OPTIONS, headers: {Max-Forwards: many}}",
			"path: [hops], reply: {code: 400, headers: {X-Error: max-forwards}}, relayed_to: none", ""},
		{"error that is dropped", "given: {method: INFO, headers: {CSeq: x}}",
			"path: [unheard], reply: none", ""},
		{"error that is left alone", "given: {method: BYE, headers: {CSeq: x}}",
			"path: [], reply: 400", ""},
		{"no error", "run: startup", "error: {contains: x}", "error: want contains x, got none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadOwn(t, fmt.Sprintf("tests:\n  - name: a\n    %s\n    expect: {%s}\n", c.test, c.expect))
			for range 2 { // nothing is left behind
				r := f.Run(nil)[0]
				var got []string
				for _, x := range r.Failed {
					got = append(got, fmt.Sprintf("%s: want %s, got %s", x.What, x.Want, x.Got))
				}
				if all := strings.Join(got, "; "); all != c.want || r.Error != "" {
					t.Errorf("want %q, got %q, %s", c.want, all, r.explanation())
				}
			}
		})
	}
}

// A start that fails can be expected; else no case of the policy can be carried out.
func TestStartFails(t *testing.T) {
	f := loadArchive(t, `-- policy.yaml --
version: 1
listen: [{udp: "192.0.2.10:5060"}]
limits: {requests: 1}
routes:
  request: [{do: [{reply: {code: 404}}]}]
  startup:
    - send_request: {method: OPTIONS, to: "sip:a.example.net"}
    - send_request: {method: OPTIONS, to: "sip:b.example.net"}
-- policy.test.yaml --
tests:
  - name: expected
    run: startup
    expect: {path: [startup], error: {contains: too many}, relayed_to: none}
  - {name: another, run: startup, expect: {error: another}}
  - {name: unexpected, run: startup, expect: {path: [startup]}}
  - {name: request, expect: {reply: 404}}
`)
	const busy = "startup: too many requests of our own wait for an answer"
	for i, want := range []string{"", "error: another", busy, busy} {
		r := f.Run(nil)[i]
		got := r.Error
		for _, x := range r.Failed {
			got += x.What + ": " + x.Want
		}
		if got != want {
			t.Errorf("%s: want %q, got %q", r.Case.Name, want, got)
		}
	}
}

// A flow is a conversation with all there is: timer routes run until it ends, and
// agents get what the router sends by itself.
func TestFlowWithTimers(t *testing.T) {
	f := loadOwn(t, `
hosts: {gw1.example.org: 198.51.100.1, ops.example.net: 198.51.100.9}
tests:
  - name: a
    flow: |
      agent alice udp 203.0.113.9:5060
      agent gw udp 198.51.100.1:5060
      agent ops udp 198.51.100.9:5060
      proxy udp 192.0.2.10:5060
      ops < MESSAGE at=0s
        X-By: example.net to begin
      ops > 200
      gw < OPTIONS at=7s
      gw > 200
      alice > OPTIONS sip:early@example.net
      alice < 486
    expect: {path: [greeted], log: begins}
`)
	if r := f.Run(nil)[0]; !r.OK() {
		t.Error(r.explanation())
	}
}

// Coverage counts every type of route.
func TestCoverRouteTypes(t *testing.T) {
	f := loadOwn(t, `tests:
  - {name: a, run: startup}
  - {name: b, run: {timer: probe}}
  - {name: c, branches: [{reply: 500}]}
  - {name: d, given: {method: OPTIONS, headers: {CSeq: x}}}
`)
	var b strings.Builder
	if err := WriteCover(&b, Cover(f.Run(nil))); err != nil {
		t.Fatal(err)
	}
	want := `policy.yaml: 8 of 13 rules, 0 of 0 arms reached
  policy.yaml:8: never reached: request route, rule greeted
  policy.yaml:11: never reached: request route, rule open
  policy.yaml:32: never reached: error route, rule unheard
  policy.yaml:50: never reached: sub route late, rule at night
  policy.yaml:44: never reached: timer route sweep
`
	if got := strings.ReplaceAll(b.String(), filepath.Dir(f.Policy)+"/", ""); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

// Update writes what ran by itself, and no reply: nobody asked.
func TestUpdateRuns(t *testing.T) {
	f := loadOwn(t, `tests:
  - {name: a, run: startup, expect: {relayed_to: none}}
  - name: b
    run: {timer: probe}
`)
	if err := Update(f.Path, f.Run(nil)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	want := `tests:
  - {name: a, run: startup, expect: {path: [startup, stamp], relayed_to: [ops.example.net]}}
  - name: b
    run: {timer: probe}
    expect: {path: [probe, stamp]}
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// What the startup route put into a cache is there in each case, however long those
// before took and whenever it takes place.
func TestStartupOfEachCase(t *testing.T) {
	f := loadArchive(t, `-- policy.yaml --
version: 1
listen: [{udp: "192.0.2.10:5060"}]
tables: {seen: {cache: {ttl: 10s}}}
routes:
  request:
    - match: {from: {user: {in: seen}}}
      do: [{reply: {code: 486}}]
    - do: [{relay: {to: "sip:192.0.2.20"}}]
  startup: [{put: {table: seen, key: alice}}]
-- policy.test.yaml --
tests:
  - {name: long, given: {from: "sip:bob@x.org"}, branches: [{silent: true}], expect: {reply: 408}}
  - {name: next, given: {from: "sip:alice@x.org"}, expect: {reply: 486}}
  - name: at noon
    given: {from: "sip:alice@x.org", time: 2026-03-02T12:00:00+00:00}
    expect: {reply: 486}
  - {name: last, given: {from: "sip:alice@x.org"}, expect: {reply: 486}}
`)
	for _, r := range f.Run(nil) {
		if !r.OK() {
			t.Errorf("%s: %s", r.Case.Name, r.explanation())
		}
	}
}
