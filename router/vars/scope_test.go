package vars

import (
	"errors"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/schema"
)

func scopeOf(decls ...string) *Scope {
	var list []schema.Var
	for i, d := range decls {
		name, typ, _ := strings.Cut(d, " ")
		list = append(list, schema.Var{
			Name: name, Type: typ, Pos: schema.Pos{File: "p.yaml", Line: i + 1, Col: 3},
		})
	}
	return NewScope(list)
}

func (s *Scope) must(t testing.TB, name string) *Var {
	t.Helper()
	v, found := s.Find(schema.Text{S: name})
	if v == nil {
		t.Fatal(found)
	}
	return v
}

func expand(t testing.TB, s *Scope, text string, j *job.Job) string {
	t.Helper()
	tpl, found := s.Compile(at(text), schema.Anywhere)
	if found != nil {
		t.Fatal(found)
	}
	return string(tpl.Append(nil, j))
}

// Each type holds what a text of it says, and nothing else.
func TestVariablesAreTyped(t *testing.T) {
	tests := []struct{ typ, text, want string }{
		{"string", "a b", "a b"}, {"string", "", ""}, {"string", "12", "12"},
		{"int", "12", "12"}, {"int", "-7", "-7"}, {"int", "007", "7"}, {"int", "1x", ""},
		{"int", "", ""}, {"int", "9223372036854775808", ""}, {"int", "1.5", ""},
		{"bool", "true", "true"}, {"bool", "false", "false"}, {"bool", "1", ""}, {"bool", "yes", ""},
		{"uri", "sip:a@b;x=1", "sip:a@b;x=1"}, {"uri", "tel:+49", "tel:+49"}, {"uri", "a b", ""},
		{"ip", "192.0.2.1", "192.0.2.1"}, {"ip", "[2001:DB8::1]", "2001:db8::1"},
		{"ip", "::ffff:192.0.2.1", "192.0.2.1"}, {"ip", "example.net", ""},
	}
	for _, tt := range tests {
		for _, name := range []string{"var.x", "avp.x"} {
			s := scopeOf(name + " " + tt.typ)
			j, v := new(job.Job), s.must(t, name)
			if _, err := v.Set(j, []byte("old")); err != nil {
				t.Fatal(err)
			}
			fits, err := v.Set(j, []byte(tt.text))
			if err != nil || fits != (tt.want != "") {
				t.Errorf("%s %q: fits is %t, %v", tt.typ, tt.text, fits, err)
			}
			if got := expand(t, s, "<{"+name+"}>", j); got != "<"+tt.want+">" {
				t.Errorf("%s %q: want %q, got %s", tt.typ, tt.text, tt.want, got)
			}
		}
	}
}

// What is pushed last is read first, as the presentation of OpenSIPS has it.
func TestPushReadsBackwards(t *testing.T) {
	s := scopeOf("avp.x string", "var.y string")
	j, v := new(job.Job), s.must(t, "avp.x")
	for _, text := range []string{"one", "two", "three"} {
		if fits, err := v.Push(j, []byte(text)); !fits || err != nil {
			t.Fatal(fits, err)
		}
	}
	const all = "{avp.x} {avp.x[1]} {avp.x[2]} {avp.x[3] | default(none)}{var.y}"
	if got := expand(t, s, all, j); got != "three two one none" {
		t.Error(got)
	}
	v.Pop(j)
	if got := expand(t, s, all, j); got != "two one  none" {
		t.Error(got)
	}
	if _, err := v.Set(j, []byte("four")); err != nil {
		t.Fatal(err)
	}
	if got := expand(t, s, all, j); got != "four   none" {
		t.Error(got)
	}
	v.Unset(j)
	if got := expand(t, s, all, j); got != "   none" {
		t.Error(got)
	}
}

func TestVariablesAreBounded(t *testing.T) {
	s := scopeOf("avp.x string")
	j, v := new(job.Job), s.must(t, "avp.x")
	var err error
	for i := 0; err == nil; i++ {
		if _, err = v.Push(j, []byte("x")); i > job.MaxDepth {
			t.Fatal("no bound")
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

// What one policy stored means nothing to the next, whose slots are others.
func TestVariablesOfAnotherPolicy(t *testing.T) {
	old, now := scopeOf("avp.secret string"), scopeOf("avp.public string")
	j := new(job.Job)
	if _, err := old.must(t, "avp.secret").Set(j, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if got := expand(t, now, "<{avp.public}>", j); got != "<>" {
		t.Errorf("the next policy reads %s", got)
	}
	v := now.must(t, "avp.public")
	if _, err := v.Set(j, []byte("x")); !errors.Is(err, ErrFull) {
		t.Errorf("want ErrFull, got %v", err)
	}
	v.Pop(j)
	v.Unset(j)
	if got := expand(t, old, "{avp.secret}", j); got != "secret" {
		t.Errorf("the next policy changed it to %q", got)
	}
	j.Reset()
	if got := expand(t, old, "<{avp.secret}>", j); got != "<>" {
		t.Errorf("the next run reads %s", got)
	}
}

func TestUnusedVariables(t *testing.T) {
	s := scopeOf("var.a int", "avp.b bool", "var.c uri")
	s.must(t, "avp.b")
	if _, found := s.Compile(at("{var.c}"), schema.Anywhere); found != nil {
		t.Fatal(found)
	}
	found := s.Unused()
	if len(found) != 1 || found[0].Severity != schema.Warning || found[0].Pos.Line != 1 ||
		found[0].End != 3+len("var.a") || found[0].Code != schema.UnusedVariable {
		t.Errorf("got %+v", found)
	}
}

func TestVariablesAllocateNothing(t *testing.T) {
	s := scopeOf("avp.x uri", "var.n int", "var.ip ip")
	j := new(job.Job)
	j.Reset()
	x, n, ip := s.must(t, "avp.x"), s.must(t, "var.n"), s.must(t, "var.ip")
	tpl, _ := s.Compile(at("{avp.x} {var.n} {var.ip} {avp.x[1]}"), schema.Anywhere)
	dst := make([]byte, 0, 256)
	uri, number, addr := []byte("sip:alice@example.net"), []byte("4711"), []byte("2001:db8::1")
	allocs := testing.AllocsPerRun(100, func() {
		_, _ = x.Push(j, uri)
		_, _ = x.Push(j, uri)
		_, _ = n.Set(j, number)
		_, _ = ip.Set(j, addr)
		tpl.Append(dst, j)
		j.Reset()
	})
	if allocs != 0 {
		t.Errorf("want 0 allocations, got %v", allocs)
	}
}
