package check_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sipedge/router"
	"sipedge/router/check"
	"sipedge/schema"
)

const head = `version: 1
listen: [{udp: "10.0.0.9:5060"}, {tcp: "10.0.0.9:5060"}]
domains: [example.net]
tables: {some: {set: {values: ["112", "911"]}}, friends: {cache: {}}}
vars: {var.a: bool, var.n: int, var.s: string, avp.a: bool, avp.s: string}
routes:
  request:
`

// found says what the proofs find in a policy that is well otherwise.
func found(t *testing.T, policy string) (*check.Report, string) {
	t.Helper()
	return proved(t, head+policy)
}

// proved is found for a whole policy.
func proved(t *testing.T, policy string) (*check.Report, string) {
	t.Helper()
	doc, src, diags := schema.LoadBytes("policy.yaml", []byte(policy), router.Vocabulary())
	if doc == nil {
		t.Fatal(diags.Text(src))
	}
	if p, diags := router.Compile(doc, router.Env{}); p == nil {
		t.Fatal(diags.Text(src))
	}
	r := check.Policy(doc)
	return r, r.Diagnostics.Text(src)
}

// TestFaults has for every check policies with the fault, and their repaired twins.
func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, faulty, want, repaired string }{
		{
			"shadowed by a broader text",
			`
    - {name: all, match: {uri: {user: {regex: "^[0-9]+$"}}}, do: [{reply: {code: 404}}]}
    - {name: some, match: {uri: {user: ["112", "911"]}}, do: [{reply: {code: 503}}]}
    - {do: [{reply: {code: 404}}]}
`, `rule "some" can never match: "all" (line 8) takes every request first`, `
    - {name: some, match: {uri: {user: ["112", "911"]}}, do: [{reply: {code: 503}}]}
    - {name: all, match: {uri: {user: {regex: "^[0-9]+$"}}}, do: [{reply: {code: 404}}]}
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"shadowed by two together",
			`
    - {name: in, match: {in_dialog: true}, do: [{reply: {code: 404}}]}
    - {name: out, match: {in_dialog: false}, do: [{reply: {code: 404}}]}
    - {name: rest, do: [{reply: {code: 403}}]}
`, `rule "rest" can never match: "in" (line 8) and "out" (line 9) take every request first`, `
    - {name: in, match: {in_dialog: true}, do: [{reply: {code: 404}}]}
    - {name: out, match: {in_dialog: false, transport: udp}, do: [{reply: {code: 404}}]}
    - {name: rest, do: [{reply: {code: 403}}]}
`,
		},
		{
			"networks",
			`
    - {name: ten, match: {source: [10.0.0.0/9, 10.128.0.0/9]}, do: [{reply: {code: 404}}]}
    - {name: one, match: {source: 10.1.0.0/16}, do: [{reply: {code: 404}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "one" can never match: "ten"`, `
    - {name: ten, match: {source: [10.0.0.0/16, 10.128.0.0/9]}, do: [{reply: {code: 404}}]}
    - {name: one, match: {source: 10.1.0.0/16}, do: [{reply: {code: 404}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"excludes itself",
			`
    - {name: no, match: {uri: {user: {prefix: "+"}},
       all: [{uri: {user: {regex: "^[0-9]+$"}}}]}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "no" can never match: its matchers exclude each other`, `
    - {name: no, match: {uri: {user: {prefix: "+"}},
       all: [{uri: {user: {regex: "[0-9]+$"}}}]}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"in a sub-route",
			`
    - {match: {method: INVITE}, do: [{route: calls}]}
    - {do: [{reply: {code: 403}}]}
  sub:
    calls:
      - {name: others, match: {not: {method: INVITE}}, do: [{drop: {}}]}
      - {do: [{reply: {code: 403}}]}
`, `rule "others" can never match`, `
    - {match: {method: [INVITE, BYE]}, do: [{route: calls}]}
    - {do: [{reply: {code: 403}}]}
  sub:
    calls:
      - {name: others, match: {not: {method: INVITE}}, do: [{drop: {}}]}
      - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"open relay", "    - {name: all, do: [{relay: {}}]}\n",
			`open relay: rule "all" sends on what strangers send to strangers`, `
    - {match: {source: 192.0.2.0/24}, do: [{relay: {}}]}
    - {match: {uri: {myself: true}}, do: [{relay: {}}]}
    - {match: {in_dialog: true}, do: [{loose_route: {}}, {relay: {}}]}
    - {do: [{relay: {to: "sip:10.0.0.7"}}]}
`,
		},
		{
			"open relay by the Route of a strict router", `
    - {match: {uri: {myself: true}}, do: [{loose_route: {verify: none}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}
`, `open relay: this rule`, `
    - {match: {uri: {myself: true}}, do: [{loose_route: {}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"open relay to a host with a port", `
    - {match: {headers: {X-To: true}}, do: [{relay: {to: "sip:{headers.X-To}:5070"}}]}
    - {do: [{reply: {code: 404}}]}
`, `open relay: this rule`, `
    - {match: {headers: {X-To: true}}, do: [{relay: {to: "sip:example.net:5070"}}]}
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"open relay to a host with parameters", `
    - {match: {headers: {X-To: true}}, do: [{relay: {to: "sip:{headers.X-To};transport=tcp"}}]}
    - {do: [{reply: {code: 404}}]}
`, `open relay: this rule`, `
    - match: {headers: {X-To: true}}
      do: [{relay: {to: "sip:{headers.X-To}@10.0.0.7;transport=tcp"}}]
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"open relay by maddr", `
    - {do: [{relay: {to: "sip:10.0.0.7:5070;dialled={ruri.user}"}}]}
`, `open relay: this rule`, `
    - {match: {uri: {user: {regex: "^[+0-9]+$"}}},
       do: [{relay: {to: "sip:10.0.0.7:5070;dialled={ruri.user}"}}]}
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"open relay in an arm", `
    - {do: [{loose_route: {on_none: more}}, {relay: {}}]}
  sub: {more: [{name: more, do: [{forward: {}}]}]}
`, `open relay: rule "more"`, `
    - {do: [{loose_route: {on_none: more}}, {relay: {}}]}
  sub: {more: [{name: more, do: [{reply: {code: 481}}]}]}
`,
		},
		{
			"open relay behind an edit", `
    - match: {uri: {myself: true}, headers: {X-To: true}}
      do: [{set_host: "{headers.X-To}"}, {relay: {}}]
    - {do: [{reply: {code: 404}}]}
`, "open relay: this rule", `
    - match: {uri: {myself: true}, headers: {X-To: true}}
      do: [{set_host: pbx.example.net}, {relay: {}}]
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"open relay behind a refusal of others", `
    - {match: {source: 192.0.2.0/24}, do: [{reply: {code: 403}}]}
    - {do: [{relay: {}}]}
`, "open relay: this rule", `
    - {match: {not: {source: 192.0.2.0/24}}, do: [{reply: {code: 403}}]}
    - {do: [{relay: {}}]}
`,
		},
		{
			"open relay in a failure route", `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: more}}]}
  failure: {more: [{name: more, match: {status: 5xx}, do: [{relay: {}}]}]}
`, `open relay: rule "more"`, `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: more}}]}
  failure: {more: [{name: more, match: {status: 5xx}, do: [{relay: {to: "sip:10.0.0.8"}}]}]}
`,
		},
		{
			"empty", `
    - {do: [{set_user: "{headers.X-User}"}, {reply: {code: 404}}]}
`, "{headers.X-User} may be empty", `
    - {match: {headers: {X-User: true}}, do: [{set_user: "{headers.X-User}"}, {reply: {code: 404}}]}
    - {do: [{set_user: "x{headers.X-User}"}, {reply: {code: 404}}]}
`,
		},
		{
			"a variable nothing sets", `
    - {name: known, match: {vars: {var.a: true}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "known" can never match: nothing sets var.a`, `
    - {match: {method: BYE}, do: [{set: {var.a: true}}]}
    - {name: known, match: {vars: {var.a: true}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"a variable that is overwritten", `
    - {match: {method: BYE}, do: [{set: {var.n: 1}}]}
    - {match: {method: [BYE, INVITE]}, do: [{set: {var.n: 2}}]}
    - {name: one, match: {vars: {var.n: 1}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "one" can never match`, `
    - {match: {method: [BYE, INVITE]}, do: [{set: {var.n: 2}}]}
    - {match: {method: BYE}, do: [{set: {var.n: 1}}]}
    - {name: one, match: {vars: {var.n: 1}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"a variable seen in a failure route", `
    - {match: {method: INVITE}, do: [{set: {avp.s: "1"}}]}
    - {do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure: {f: [{name: two,
      match: {vars: {avp.s: ["2", {prefix: "3"}]}}, do: [{reply: {code: 404}}]}]}
`, `rule "two" can never match`, `
    - {match: {method: INVITE}, do: [{set: {avp.s: "31"}}]}
    - {do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure: {f: [{name: two,
      match: {vars: {avp.s: ["2", {prefix: "3"}]}}, do: [{reply: {code: 404}}]}]}
`,
		},
		{
			"a variable of one run", `
    - {do: [{set: {var.a: true}}, {relay: {to: "sip:10.0.0.7", reply: o}}]}
  reply: {o: [{name: a, match: {vars: {var.a: true}}, do: [{exit: {}}]}]}
`, `rule "a" can never match`, `
    - {do: [{set: {avp.a: true}}, {relay: {to: "sip:10.0.0.7", reply: o}}]}
  reply: {o: [{name: a, match: {vars: {avp.a: true}}, do: [{exit: {}}]}]}
`,
		},
		{
			"a stack", `
    - {do: [{push: {avp.s: a}}, {push: {avp.s: b}}, {pop: avp.s}]}
    - {name: b, match: {vars: {avp.s: b}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "b" can never match`, `
    - {do: [{push: {avp.s: b}}, {push: {avp.s: a}}, {pop: avp.s}]}
    - {name: b, match: {vars: {avp.s: b}, method: BYE}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"edits", `
    - {match: {uri: {user: {prefix: "00"}}}, do: [{strip: 2}, {prefix: "+"}]}
    - {name: plus, match: {uri: {user: {prefix: "+"}}}, do: [{reply: {code: 404}}]}
    - {name: old, match: {uri: {user: {prefix: "00"}}}, do: [{drop: {}}]}
    - {do: [{set_header: {X-A: b}}]}
    - {match: {headers: {X-A: b}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 404}}], allow: [{check: never_matches, reason: for the reader}]}
`, `rule "old" can never match`, `
    - {match: {uri: {user: {prefix: "00"}}}, do: [{strip: 2}, {prefix: "+"}]}
    - {name: plus, match: {uri: {user: {prefix: "+"}}}, do: [{reply: {code: 404}}]}
    - {name: old, match: {uri: {user: {prefix: "0"}}}, do: [{drop: {}}]}
    - {match: {method: INVITE}, do: [{set_header: {X-A: b}}]}
    - {match: {headers: {X-A: b}}, do: [{reply: {code: 403}}]}
    - {do: [{drop: {}}]}
`,
		},
		{
			"contacts", `
    - {match: {contact: {host: 10.0.0.1}}, do: [{drop: {}}]}
    - {name: bob, match: {contact: {user: bob, host: 10.0.0.1}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "bob" can never match`, `
    - {match: {contact: {host: 10.0.0.1, port: 5080}}, do: [{drop: {}}]}
    - {name: bob, match: {contact: {user: bob, host: 10.0.0.1}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"bodies", `
    - {match: {body: {sdp: {media: audio}}}, do: [{drop: {}}]}
    - {name: opus, match: {body: {sdp: {media: audio, codec: opus}}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "opus" can never match`, `
    - {match: {body: {sdp: {media: audio, codec: pcma}, type: {prefix: multipart/}}},
       do: [{drop: {}}]}
    - {name: opus, match: {body: {sdp: {media: audio, codec: opus}}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"one header of several", `
    - {match: {headers: {X-A: {prefix: a}}}, do: [{drop: {}}]}
    - {name: second, match: {headers: {"X-A[1]": ab}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "second" can never match`, `
    - {match: {headers: {"X-A[0]": {prefix: a}}}, do: [{drop: {}}]}
    - {name: second, match: {headers: {"X-A[1]": ab}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"a table of the policy", `
    - {match: {uri: {user: {in: some}}}, do: [{drop: {}}]}
    - {name: one, match: {uri: {user: "112"}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "one" can never match`, `
    - {match: {uri: {user: {in: some}}}, do: [{drop: {}}]}
    - {name: one, match: {uri: {user: "11"}}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"in an error route", `
    - {do: [{reply: {code: 403}}]}
  error:
    - {match: {method: [BYE, REGISTER]}, do: [{drop: {}}]}
    - {name: bye, match: {method: BYE}, do: [{drop: {}}]}
`, `rule "bye" can never match`, `
    - {do: [{reply: {code: 403}}]}
  error:
    - {do: [{set: {var.s: "{error.class}"}}]}
    - {match: {vars: {var.s: cseq}, method: BYE}, do: [{drop: {}}]}
    - {name: bye, match: {method: BYE}, do: [{drop: {}}]}
`,
		},
		{
			"in a local route", `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure: {f: [{do: [{send_request: {method: MESSAGE, to: "sip:a@10.0.0.8"}}]}]}
  local: [{name: options, match: {method: OPTIONS}, do: [{add_header: {X-A: b}}]}]
`, `rule "options" can never match`, `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure: {f: [{do: [{send_request: {method: OPTIONS, to: "sip:a@10.0.0.8"}}]}]}
  local: [{name: options, match: {method: OPTIONS, uri: {user: a}}, do: [{add_header: {X-A: b}}]}]
`,
		},
		{
			"one failure has one status", `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure:
    f: [{match: {status: 486}, do: [{route: busy}]}]
  sub:
    busy: [{name: timeout, match: {status: 408}, do: [{reply: {code: 480}}]}]
`, `rule "timeout" can never match`, `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure:
    f: [{match: {status: 486}, do: [{relay: {to: "sip:10.0.0.8", failure: g}}]}]
    g: [{name: timeout, match: {status: 408, cause: timeout}, do: [{reply: {code: 480}}]}]
`,
		},
		{
			"open relay by another branch", `
    - {match: {uri: {myself: true}, headers: {X-To: true}},
       do: [{append_branch: {uri: "{headers.X-To}"}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}
`, "open relay: this rule sends on", `
    - {match: {uri: {myself: true}, headers: {X-To: true}},
       do: [{append_branch: {uri: "sip:{from.user}@pbx.example.net"}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"a request of ours to where strangers say", `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure: {f: [{name: tell, do: [{send_request: {method: MESSAGE, to: "{from.uri}"}}]}]}
`, `open relay: rule "tell" sends requests of ours to where strangers say`, `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure: {f: [{do: [{send_request: {method: MESSAGE, to: "sip:{from.user}@example.net"}}]}]}
`,
		},
		{
			"open relay by a flag of anybody's", `
    - {match: {headers: {X-Trust: "yes"}}, do: [{set: {avp.a: true}}]}
    - {name: trusted, match: {vars: {avp.a: true}}, do: [{relay: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `open relay: rule "trusted"`, `
    - {match: {source: 192.0.2.0/24}, do: [{set: {avp.a: true}}]}
    - {name: trusted, match: {vars: {avp.a: true}}, do: [{relay: {}}]}
    - {match: {any: [{source: {in: friends}}, {source: 192.0.2.1}]}, do: [{relay: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"a waiver of nothing", `
    - {do: [{reply: {code: 404}}], allow: [{check: open_relay, reason: lab}]}
`, "open_relay finds nothing in this rule", `
    - {do: [{relay: {}}], allow: [{check: open_relay, reason: lab}]}
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, got := found(t, strings.TrimPrefix(tt.faulty, "\n"))
			if !strings.Contains(got, tt.want) || strings.Count(got, " SE") != 1 {
				t.Errorf("want %s, got\n%s", tt.want, got)
			}
			for _, f := range r.Findings {
				shows(t, load(t, head+strings.TrimPrefix(tt.faulty, "\n")), r, f)
			}
			if _, got := found(t, strings.TrimPrefix(tt.repaired, "\n")); got != "" {
				t.Errorf("repaired, got\n%s", got)
			}
		})
	}
}

// shows holds a finding against what a real router does with its example.
func shows(t *testing.T, doc *schema.Document, r *check.Report, f check.Finding) {
	t.Helper()
	if f.Example == nil {
		return
	}
	at := slices.IndexFunc(r.Verdicts, func(v check.Verdict) bool { return v.Rule == f.Rule })
	w := newWorld(t, doc)
	hit := w.play(f.Example)
	is := slices.Contains(hit, rule{r.Verdicts[at].Route, r.Verdicts[at].Index})
	switch f.Check {
	case check.NeverMatches:
		if is || len(hit) == 0 {
			t.Errorf("%s: %v", f.Example, hit)
		}
	case check.OpenRelay:
		if !is || w.left == 0 {
			t.Errorf("%s is not sent on: %v", f.Example, hit)
		}
	case check.MayBeEmpty:
		if !is || !slices.Contains(w.statuses, 500) {
			t.Errorf("%s is answered %v: %v", f.Example, w.statuses, hit)
		}
	}
}

// TestEffort: a policy whose rules are hard to tell apart is given up in good time; what is easy
// to decide is decided all the same.
func TestEffort(t *testing.T) {
	var b strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&b, "    - {match: {uri: {user: '%d'}}, do: [{drop: {}}]}\n", i)
	}
	for i := range 60 {
		fmt.Fprintf(&b, "    - match: {uri: {user: {regex: '^[1-9][0-9]{0,2}$'}}, source: 10.0.0.%d}\n"+
			"      do: [{drop: {}}]\n", i)
	}
	b.WriteString("    - {do: [{reply: {code: 404}}]}\n")
	r, _ := found(t, b.String())
	count := map[check.Status]int{}
	for _, v := range r.Verdicts {
		count[v.Status]++
	}
	if count[check.Reached] != 1201 || count[check.Undecided] == 0 {
		t.Errorf("got %v", count)
	}
}
