package table

import (
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
)

func variables() *vars.Scope {
	return vars.NewScope([]schema.Var{
		{Name: "avp.nat", Type: "bool"}, {Name: "var.n", Type: "int"}, {Name: "var.s", Type: "string"},
		{Name: "avp.u", Type: "uri"}, {Name: "avp.ip", Type: "ip"},
	})
}

// compileVariables compiles one rule for each match.
func compileVariables(t *testing.T, s *vars.Scope, matches ...string) (*Table, schema.Diagnostics) {
	t.Helper()
	env := testEnv(t)
	env.Vars = s
	return Compile(parse(t, matches...), schema.InRequest, env)
}

func TestVariablesMatch(t *testing.T) {
	values := map[string]string{
		"avp.nat": "true", "var.n": "7", "var.s": "Alice", "avp.u": "sip:bob@example.net",
		"avp.ip": "10.1.2.3",
	}
	tests := []struct {
		match      string
		set, unset bool // whether it holds when all are set, when none is
	}{
		{"avp.nat: true", true, false},
		{"avp.nat: false", false, false},
		{"var.n: 7", true, false},
		{"var.n: [1, {min: 8}]", false, false},
		{"var.n: {min: 3}", true, false},
		{"var.n: {min: 3, max: 6}", false, false},
		{"var.n: true", true, false},
		{"var.n: false", false, true},
		{"var.s: Alice", true, false},
		{"var.s: [bob, {prefix: Al}]", true, false},
		{"var.s: {exact: alice, ignore_case: true}", true, false},
		{"var.s: {regex: '^B'}", false, false},
		{"var.s: {empty: true}", false, false},
		{"var.s: {in: some}", false, false},
		{"avp.u: {suffix: '@example.net'}", true, false},
		{"avp.u: true", true, false},
		{"avp.u: {in: some}", false, false},
		{"avp.ip: 10.1.0.0/16", true, false},
		{"avp.ip: [192.0.2.1, {in: nets}]", true, false},
		{"avp.ip: '2001:db8::/32'", false, false},
		{"avp.ip: false", false, true},
		{"avp.nat: true, var.n: {max: 7}, var.s: true", true, false},
		{"avp.nat: true, var.n: {max: 6}, var.s: true", false, false},
	}
	for _, tt := range tests {
		s := variables()
		table, found := compileVariables(t, s, "vars: {"+tt.match+"}")
		if found != nil {
			t.Errorf("%s: %v", tt.match, found)
			continue
		}
		j := new(job.Job)
		j.Now = now
		if got := table.Match(j, 0) == 0; got != tt.unset {
			t.Errorf("%s: unset, want %t, got %t", tt.match, tt.unset, got)
		}
		for _, v := range s.Vars() {
			if fits, err := v.Set(j, []byte(values[v.Name])); !fits || err != nil {
				t.Fatal(v.Name, fits, err)
			}
		}
		if got := table.Match(j, 0) == 0; got != tt.set {
			t.Errorf("%s: set, want %t, got %t", tt.match, tt.set, got)
		}
	}
}

func TestTestsOfVariablesAreChecked(t *testing.T) {
	tests := []struct {
		match string
		code  schema.Code
		says  string
	}{
		{"avp.nt: true", schema.UnknownVariable, "did you mean avp.nat?"},
		{"avp.nat: 1", schema.WrongVariable, `"avp.nat" holds true or false`},
		{"avp.nat: [true]", schema.WrongVariable, `"avp.nat" holds true or false`},
		{"var.n: a", schema.WrongVariable, `"var.n" holds a number, not "a"`},
		{"var.n: {prefix: a, suffix: b}", schema.WrongVariable,
			`"var.n" holds a number, which "prefix" is not for`},
		{"var.s: 7", schema.WrongVariable, `"var.s" holds a text, not 7`},
		{"var.s: {min: 7}", schema.WrongVariable, `"var.s" holds a text, which "min" is not for`},
		{"avp.ip: {prefix: a}", schema.WrongVariable, `which "prefix" is not for`},
		{"avp.ip: nowhere", schema.BadNetwork, `"nowhere" is not an IP address or network`},
		{"var.s: {regex: '('}", schema.BadRegex, "regular expression"},
	}
	for _, tt := range tests {
		_, found := compileVariables(t, variables(), "vars: {"+tt.match+"}")
		if len(found) != 1 || found[0].Code != tt.code || !strings.Contains(found[0].Message, tt.says) {
			t.Errorf("%s: want SE%d %q, got %v", tt.match, tt.code, tt.says, found)
		}
	}
}

// What a rule sets, the next rule's matchers see.
func TestVariablesAllocateNothing(t *testing.T) {
	s := variables()
	table, found := compileVariables(t, s, "vars: {avp.nat: false}",
		"vars: {avp.nat: true, var.n: {min: 3}, var.s: {prefix: A}, avp.ip: 10.1.0.0/16}")
	if found != nil {
		t.Fatal(found)
	}
	j := new(job.Job)
	for _, v := range s.Vars() {
		_, _ = v.Set(j, []byte(map[string]string{
			"avp.nat": "true", "var.n": "7", "var.s": "Alice", "avp.ip": "10.1.2.3",
		}[v.Name]))
	}
	n := testing.AllocsPerRun(100, func() {
		if table.Match(j, 0) != 1 {
			t.Error("it does not match")
		}
	})
	if n != 0 && !raceEnabled {
		t.Errorf("want 0 allocations, got %v", n)
	}
}
