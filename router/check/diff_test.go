package check_test

import (
	"fmt"
	"testing"

	"sipedge/router"
	"sipedge/router/check"
	"sipedge/schema"
)

func TestDiff(t *testing.T) {
	load := func(policy string) *schema.Document {
		doc, src, diags := schema.LoadBytes("policy.yaml", []byte(head+policy), router.Vocabulary())
		if doc == nil {
			t.Fatal(diags.Text(src))
		}
		return doc
	}
	old := load(`
    - {name: short, match: {uri: {user: {regex: "^[0-9]{3}$"}}}, do: [{reply: {code: 403}}]}
    - {name: rest, do: [{reply: {code: 404}}]}
`)
	if d := check.Diff(old, old); len(d.Rules)+len(d.Decisions) > 0 {
		t.Errorf("the same: %+v", d)
	}
	d := check.Diff(old, load(`
    - {name: short, match: {uri: {user: {regex: "^[0-9]{3,4}$"}}}, do: [{reply: {code: 403}}]}
    - {name: rest, do: [{reply: {code: 404}}]}
`))
	if len(d.Rules) != 1 || d.Rules[0].How != "changed" || d.Rules[0].Rule != "short" {
		t.Errorf("rules: %+v", d.Rules)
	}
	want := `request "rest": reply { code: 404 } to request "short": reply { code: 403 }`
	if len(d.Decisions) != 1 || d.Decisions[0].Old+" to "+d.Decisions[0].New != want {
		t.Errorf("want %s, got %+v", want, d.Decisions)
	}
	// The last step is the same, one before it is not.
	const relays = `
    - name: out
      match: {source: 127.0.0.1}
      do: [{set_header: {X: %s}}, {relay: {to: "sip:192.0.2.1"}}]
    - {name: rest, do: [{reply: {code: 404}}]}
`
	d = check.Diff(load(fmt.Sprintf(relays, "a")), load(fmt.Sprintf(relays, "b")))
	want = `request "out": set_header { X: "a" }, relay { to: "sip:192.0.2.1" } to ` +
		`request "out": set_header { X: "b" }, relay { to: "sip:192.0.2.1" }`
	if len(d.Decisions) != 1 || d.Decisions[0].Old+" to "+d.Decisions[0].New != want {
		t.Errorf("want %s, got %+v", want, d.Decisions)
	}
	// Another order that decides the same.
	d = check.Diff(load(`
    - {name: a, match: {method: BYE}, do: [{reply: {code: 403}}]}
    - {name: b, match: {method: INVITE}, do: [{reply: {code: 404}}]}
    - {name: rest, do: [{reply: {code: 480}}]}
`), load(`
    - {name: b, match: {method: INVITE}, do: [{reply: {code: 404}}]}
    - {name: a, match: {method: BYE}, do: [{reply: {code: 403}}]}
    - {name: rest, do: [{reply: {code: 480}}]}
`))
	if len(d.Rules) != 2 || d.Rules[0].How != "moved" || len(d.Decisions) != 0 {
		t.Errorf("moved: %+v", d)
	}
}
