package redirection_test

import (
	"testing"

	"sipedge/router/redirection"
	"sipedge/schema"
)

// What keeps redirections to hosts of the policy's own, so that they lead strangers nowhere.
func TestRestricts(t *testing.T) {
	for _, tt := range []struct {
		args string
		want bool
	}{
		{`{}`, false},
		{`{deny: {host: a.example}}`, false},
		{`{accept: {host: a.example}}`, true},
		{`{accept: {host: [a.example, {suffix: .b.example}]}}`, true},
		{`{accept: {host: {exact: a.example, regex: x}}}`, true},
		{`{accept: {myself: true}}`, true},
		{`{accept: {myself: false}}`, false},
		{`{accept: {user: alice}}`, false},
		{`{accept: [{host: a.example}, {user: alice}]}`, false},
		{`{accept: [{host: a.example}, {myself: true}]}`, true},
		{`{accept: {host: {suffix: example.net}}}`, false}, // anotherexample.net
		{`{accept: {host: {suffix: .}}}`, false},
		{`{accept: {host: {suffix: [.a.example, b.example]}}}`, false},
		{`{accept: {host: {prefix: gw.}}}`, false},
		{`{accept: {host: {regex: example}}}`, false},
		{`{accept: {host: [a.example, {contains: a}]}}`, false},
		{`{accept: {host: {in: hosts}}}`, true},
		{`{accept: {host: {in: seen}}}`, false},
	} {
		v, diags := schema.ReadData("args.yaml", []byte(tt.args))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		lists := func(table string) bool { return table == "hosts" }
		if got := redirection.Restricts(&v, lists); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.args, got, tt.want)
		}
	}
}
