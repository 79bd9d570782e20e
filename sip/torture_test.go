package sip

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const torture = "testdata/torture"

// tortureFiles returns the torture messages by their place under testdata/torture.
func tortureFiles(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(torture + "/*/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("no torture messages: %v", err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(torture, name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.ToSlash(rel)] = b
	}
	return files
}

// outcome says what Parse made of a message as parse.txt writes it.
func outcome(m *Message, err error) string {
	var e *ParseError
	switch {
	case err == nil:
		return "accept"
	case !errors.As(err, &e):
		return "not a ParseError: " + err.Error()
	case m.Replyable():
		return fmt.Sprintf("%d %s reply", e.Status, e.Class)
	}
	return fmt.Sprintf("%d %s drop", e.Status, e.Class)
}

var tortureLine = regexp.MustCompile(
	`^(\S+)\s+(accept|\d+ \S+ (?:reply|drop))\s+([\d.]+)\s+(\S.*)$`)

func TestTorture(t *testing.T) {
	files := tortureFiles(t)
	table, err := os.ReadFile(torture + "/parse.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range strings.Split(strings.TrimSpace(string(table)), "\n") {
		if row == "" || row[0] == '#' {
			continue
		}
		col := tortureLine.FindStringSubmatch(row)
		if col == nil {
			t.Fatalf("parse.txt:%d: malformed", i+1)
		}
		name, want := col[1], col[2]
		raw, ok := files[name]
		if !ok {
			t.Fatalf("parse.txt:%d: no file %s, or listed twice", i+1, name)
		}
		delete(files, name)
		t.Run(name, func(t *testing.T) {
			var m Message
			err := m.Parse(raw)
			if got := outcome(&m, err); got != want {
				t.Fatalf("want %s, got %s (%v)", want, got, err)
			}
			out := m.AppendTo(nil)
			if !bytes.HasPrefix(raw, out) || !bytes.Equal(out, m.Raw()) {
				t.Errorf("bytes changed:\n%q", out)
			}
		})
	}
	for name := range files {
		t.Errorf("%s is not in parse.txt", name)
	}
}

// The views of some of the messages, to see that they are accepted for what they say.
func TestTortureViews(t *testing.T) {
	files := tortureFiles(t)
	parse := func(name string) *Message {
		m := new(Message)
		if err := m.Parse(files[name]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return m
	}
	uri := func(b []byte) URI {
		u, err := ParseURI(b)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		return u
	}
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: want %q, got %q", what, want, got)
		}
	}

	m := parse("rfc4475/wsinv.dat")
	check("wsinv To tag", string(m.ToTag()), "1918181833n")
	check("wsinv From tag", string(m.FromTag()), "98asjd8")
	hops, _ := m.MaxForwards()
	check("wsinv numbers", fmt.Sprint(hops, m.CSeq(), m.Method()), "68 9 INVITE")
	via, ok := m.TopVia()
	check("wsinv Via", fmt.Sprintf("%v %s %s %s", ok, via.Transport, via.Host, via.Branch),
		"true udp 192.0.2.2 390skdjuw")
	var vias []string
	for e, ok := m.FirstElement(Via); ok; e, ok = m.NextElement(e) {
		v, err := ParseVia(e.Value)
		vias = append(vias, fmt.Sprintf("%s/%s/%s/%v", v.Transport, v.Host, v.Branch, err))
	}
	check("wsinv all Via", strings.Join(vias, " "), "udp/192.0.2.2/390skdjuw/<nil> "+
		"tcp/spindle.example.com/z9hG4bK9ikj8/<nil> udp/192.168.255.111/z9hG4bK30239/<nil>")
	contact, err := ParseNameAddr(m.Get(Contact))
	q, _ := contact.Q()
	check("wsinv Contact", fmt.Sprintf("%s %d %v", contact.Display, q, err),
		`"Quoted string \"\"" 330 <nil>`)
	check("wsinv folded", string(Unfold(nil, m.Value(m.Find("newfangledheader")))),
		"newfangled value continued newfangled value")

	m = parse("rfc4475/intmeth.dat")
	u := uri(m.RURI())
	check("intmeth host", string(u.Host), "example.com")
	check("intmeth password", string(u.Password), "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
	check("intmeth tag", string(m.FromTag()), "_token~1'+`*%!-.")

	m = parse("rfc4475/esc01.dat")
	u = uri(m.RURI())
	check("esc01 user", string(AppendUnescaped(nil, u.User)), "sips:user@example.com")
	a, err := ParseNameAddr(m.Get(Contact))
	if err != nil {
		t.Fatal(err)
	}
	u = uri(a.URI)
	v, lr := u.Param("lr")
	check("esc01 lr", fmt.Sprintf("%q %v", v, lr), `"" true`)
	v, _ = u.Param("name")
	check("esc01 name", string(AppendUnescaped(nil, v)), "value%41")

	m = parse("rfc4475/semiuri.dat")
	u = uri(m.RURI())
	check("semiuri user", string(AppendUnescaped(nil, u.User)), "user;par=u@example.net")
	m = parse("rfc4475/dblreq.dat")
	check("dblreq rest dropped", fmt.Sprint(len(m.Body()), bytes.Contains(m.Raw(), []byte("INVITE"))),
		"0 false")
	m = parse("rfc4475/badbranch.dat")
	via, _ = m.TopVia()
	check("badbranch", fmt.Sprint(via.RFC3261()), "false")
	m = parse("rfc4475/regbadct.dat")
	if _, err = ParseNameAddr(m.Get(Contact)); err == nil {
		t.Error("regbadct: Contact accepted")
	}
	for _, name := range []string{"rfc5118-wire/via-received-param-with-delim.sip",
		"rfc5118-wire/via-received-param-no-delim.sip"} {
		via, _ = parse(name).TopVia()
		check(name, string(via.Received), "2001:db8::9:255")
	}
	u = uri(parse("rfc5118-wire/port-ambiguous.sip").RURI())
	check("port ambiguous", fmt.Sprintf("%s %d", u.Host, u.Port), "2001:db8::10:5070 0")
	u = uri(parse("rfc5118-wire/port-unambiguous.sip").RURI())
	check("port unambiguous", fmt.Sprintf("%s %d", u.Host, u.Port), "2001:db8::10 5070")
	u = uri(parse("rfc5118-wire/ipv6-bug-abnf-3-colons.sip").RURI())
	addr, _ := u.Addr()
	check("three colons", addr.String(), "2001:db8::c000:201")
}
