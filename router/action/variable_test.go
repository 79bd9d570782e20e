package action

import (
	"strings"
	"testing"

	"sipedge/router/vars"
	"sipedge/schema"
)

// What can never fit its variable is refused when the policy is compiled.
func TestAssignmentsAreChecked(t *testing.T) {
	scope := func() *vars.Scope {
		return vars.NewScope([]schema.Var{
			{Name: "var.s", Type: "string"}, {Name: "var.n", Type: "int"},
			{Name: "avp.b", Type: "bool"}, {Name: "avp.u", Type: "uri"}, {Name: "avp.ip", Type: "ip"},
		})
	}
	tests := []struct {
		action     string
		args       any
		code       schema.Code
		says, hint string
	}{
		{action: "set", args: pairs("var.s", "a{cseq}", "var.n", 1, "avp.b", true)},
		{action: "set", args: pairs("avp.u", "sip:{ruri.user}@x", "avp.ip", "2001:db8::1")},
		{action: "set", args: pairs("var.n", "{cseq}", "avp.b", "{in_dialog}")},
		{action: "set", args: pairs("var.n", "{ruri.user}", "avp.ip", "{source.ip}")},
		{action: "push", args: pairs("var.s", "{ruri}", "avp.u", "{to.uri}")},
		{action: "pop", args: []string{"var.s", "avp.u"}},
		{"set", pairs("var.x", "a"), schema.UnknownVariable,
			`the variable "var.x" is not declared; did you mean var.s?`, ""},
		{"pop", "avp.bb", schema.UnknownVariable, "did you mean avp.b?", ""},
		{"unset", []string{"var.s", "avp.uri"}, schema.UnknownVariable, `"avp.uri" is not declared`, ""},
		{"push", pairs("var.s", "{avp.z}"), schema.UnknownVariable, "did you mean avp.b?", ""},
		{"set", pairs("var.s", 12), schema.WrongVariable, `"var.s" holds a text, not 12`,
			"put it in quotes"},
		{"set", pairs("var.n", true), schema.WrongVariable, `"var.n" holds a number, not true`, ""},
		{"set", pairs("avp.b", 1), schema.WrongVariable, `"avp.b" holds true or false, not 1`, ""},
		{"set", pairs("var.n", "12"), schema.WrongVariable, `"var.n" holds a number, not "12"`,
			"write it without quotes"},
		{"set", pairs("avp.ip", "example.net"), schema.WrongVariable,
			`"avp.ip" holds an IP address, not "example.net"`, ""},
		{"set", pairs("avp.u", "bob"), schema.WrongVariable, `"avp.u" holds a URI, not "bob"`, ""},
		{"push", pairs("var.n", "{ruri}"), schema.WrongVariable,
			`"var.n" holds a number, and this is a URI`, ""},
		{"set", pairs("var.s", ""), schema.WrongVariable, "an empty text is no value",
			"`unset: var.s` removes what it holds"},
	}
	for _, tt := range tests {
		e := &Env{Where: schema.InRequest, Vars: scope()}
		args := val(tt.args)
		_, diags := kind(t, tt.action).New(e, &args)
		if tt.code == 0 {
			if len(diags) > 0 {
				t.Errorf("%s %v: %v", tt.action, tt.args, diags)
			}
			continue
		}
		if len(diags) != 1 || diags[0].Code != tt.code || !strings.Contains(diags[0].Message, tt.says) ||
			tt.hint != "" && diags[0].Hint != tt.hint {
			t.Errorf("%s %v: want SE%d %q (%s), got %+v",
				tt.action, tt.args, tt.code, tt.says, tt.hint, diags)
		}
	}
}
