package sip

import (
	"strings"
	"testing"
)

// Lines that come in odd forms and must leave as they came.
const odd = "OPTIONS sip:bob@example.com SIP/2.0\r\n" +
	"v:SIP/2.0/UDP a;branch=z9hG4bK1 ,SIP/2.0/UDP b\n" +
	"F :  <sip:alice@example.com>;tag=1 \r\n" +
	"to:\r\n <sip:bob@example.com>\r\n" +
	"X-One:\r\n" +
	"i: call@host\r\n" +
	"Route: <sip:r1;lr> ,\r\n\t<sip:r2;lr>, <sip:r3;lr>\r\n" +
	"cseq: 7 OPTIONS\r\n" +
	"mAx-FORWARDS:70\r\n" +
	"l: 4\r\n" +
	"x-one: second\r\n" +
	"\r\n" +
	"body"

func TestEdit(t *testing.T) {
	element := func(m *Message, id HeaderID, n int) Element {
		e, _ := m.FirstElement(id)
		for range n {
			e, _ = m.NextElement(e)
		}
		return e
	}
	set := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	broken := map[string]bool{"ruri smuggling": true, "remove all compact": true} // for Parse
	for _, c := range []struct {
		name string
		edit func(m *Message)
		want func(string) string
	}{
		{"nothing", func(m *Message) {}, func(s string) string { return s }},
		{"ruri", func(m *Message) { m.SetRURI([]byte("sip:x@y;z")) },
			set("sip:bob@example.com SIP", "sip:x@y;z SIP")},
		{"ruri twice", func(m *Message) { m.SetRURI([]byte("sip:x")); m.SetRURI([]byte("tel:+1")) },
			set("sip:bob@example.com SIP", "tel:+1 SIP")},
		{"ruri smuggling", func(m *Message) { m.SetRURI([]byte("sip:x SIP/2.0\r\nA: b")) },
			set("sip:bob@example.com SIP", "sip:x%20SIP/2.0%0D%0AA:%20b SIP")},
		{"ruri empty", func(m *Message) { m.SetRURI(nil) }, set("", "")},
		{"value", func(m *Message) { m.SetValue(m.First(MaxForwards), []byte("69")) },
			set("mAx-FORWARDS:70\r\n", "mAx-FORWARDS: 69\r\n")},
		{"value smuggling", func(m *Message) { m.SetValue(m.Find("X-One"), []byte(" a\r\nb:\x00c\n")) },
			set("X-One:\r\n", "X-One: a  b: c\r\n")},
		{"remove", func(m *Message) { m.Remove(m.First(MaxForwards)) }, set("mAx-FORWARDS:70\r\n", "")},
		{"remove all", func(m *Message) { m.RemoveAll("X-ONE") },
			func(s string) string { return set("X-One:\r\n", "")(set("x-one: second\r\n", "")(s)) }},
		{"remove all compact", func(m *Message) { m.RemoveAll("Route"); m.RemoveAll("Call-ID") },
			func(s string) string {
				s = set("Route: <sip:r1;lr> ,\r\n\t<sip:r2;lr>, <sip:r3;lr>\r\n", "")(s)
				return set("i: call@host\r\n", "")(s)
			}},
		{"insert first", func(m *Message) { m.Insert(0, Server, []byte("a")) },
			set("v:SIP", "Server: a\r\nv:SIP")},
		{"insert last", func(m *Message) { m.InsertNamed(m.Len(), "X-Two", []byte("a")) },
			set("x-one: second\r\n", "x-one: second\r\nX-Two: a\r\n")},
		{"insert odd name", func(m *Message) { m.InsertNamed(0, "X\r\n: é", []byte("a")) },
			set("v:SIP", "X------: a\r\nv:SIP")},
		{"insert no name", func(m *Message) { m.Insert(0, HeaderOther, []byte("a")) }, set("", "")},
		{"prepend", func(m *Message) { m.Prepend(Via, []byte("SIP/2.0/UDP c")) },
			set("v:SIP", "Via: SIP/2.0/UDP c\r\nv:SIP")},
		{"prepend in the middle", func(m *Message) { m.Prepend(Route, []byte("<sip:r0>")) },
			set("Route: <", "Route: <sip:r0>\r\nRoute: <")},
		{"prepend new", func(m *Message) { m.Prepend(Contact, []byte("<sip:c>")) },
			set("v:SIP", "Contact: <sip:c>\r\nv:SIP")},
		{"append", func(m *Message) { m.Append(Route, []byte("<sip:r4>")) },
			set("cseq", "Route: <sip:r4>\r\ncseq")},
		{"append new", func(m *Message) { m.Append(Contact, []byte("<sip:c>")) },
			set("\r\n\r\nbody", "\r\nContact: <sip:c>\r\n\r\nbody")},
		{"set element", func(m *Message) { m.SetElement(element(m, Route, 1), []byte("<sip:x>")) },
			set("<sip:r2;lr>", "<sip:x>")},
		{"remove first element", func(m *Message) { m.RemoveElement(element(m, Route, 0)) },
			set("<sip:r1;lr> ,\r\n\t", "")},
		{"remove middle element", func(m *Message) { m.RemoveElement(element(m, Route, 1)) },
			set(",\r\n\t<sip:r2;lr>", "")},
		{"remove last element", func(m *Message) { m.RemoveElement(element(m, Route, 2)) },
			set(", <sip:r3;lr>", "")},
		{"remove all elements", func(m *Message) {
			for e, ok := m.FirstElement(Route); ok; e, ok = m.FirstElement(Route) {
				m.RemoveElement(e)
			}
		}, set("Route: <sip:r1;lr> ,\r\n\t<sip:r2;lr>, <sip:r3;lr>\r\n", "")},
		{"remove from an edited field", func(m *Message) {
			m.SetElement(element(m, Route, 0), []byte("<sip:long:1234@example.com>"))
			m.RemoveElement(element(m, Route, 2))
			m.RemoveElement(element(m, Route, 1))
		}, set("<sip:r1;lr> ,\r\n\t<sip:r2;lr>, <sip:r3;lr>", "<sip:long:1234@example.com> ")},
		{"stale elements", func(m *Message) {
			e := element(m, Route, 2)
			m.RemoveElement(e)
			m.RemoveElement(e)
			m.SetElement(e, []byte("<sip:x>"))
		}, set(", <sip:r3;lr>", "")},
		{"body", func(m *Message) { m.SetBody("a/b", []byte("12345")) }, func(s string) string {
			s = set("l: 4\r\n", "l: 5\r\n")(s)
			return set("\r\n\r\nbody", "\r\nContent-Type: a/b\r\n\r\n12345")(s)
		}},
		{"body twice", func(m *Message) {
			m.SetBody("a/b", []byte("12345"))
			m.SetBody("c/d", []byte("123456789 10"))
		}, func(s string) string {
			s = set("l: 4\r\n", "l: 12\r\n")(s)
			return set("\r\n\r\nbody", "\r\nContent-Type: c/d\r\n\r\n123456789 10")(s)
		}},
		{"no body", func(m *Message) { m.SetBody("a/b", []byte("1")); m.SetBody("", nil) },
			func(s string) string { return set("l: 4", "l: 0")(set("body", "")(s)) }},
		{"Content-Length told a lie", func(m *Message) {
			m.SetValue(m.First(ContentLength), []byte("9999"))
			m.Append(ContentLength, []byte("9"))
			m.EnsureLength()
		}, set("l: 4", "l: 4")},
		{"Content-Length added", func(m *Message) { m.RemoveAll("l"); m.EnsureLength() },
			func(s string) string {
				return set("\r\n\r\nbody", "\r\nContent-Length: 4\r\n\r\nbody")(set("l: 4\r\n", "")(s))
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mustParse(t, odd)
			c.edit(m)
			want := c.want(odd)
			got := string(m.AppendTo(nil))
			if got != want {
				t.Fatalf("want\n%q\ngot\n%q", want, got)
			}
			if len(got) != m.WireLen() {
				t.Errorf("WireLen %d, wrote %d", m.WireLen(), len(got))
			}
			var again Message
			if err := again.Parse([]byte(got)); (err != nil) != broken[c.name] {
				t.Errorf("parsed again: %v", err)
			}
			if dump(m) != dump(&again) {
				t.Errorf("reads as\n%s, written as\n%s", dump(m), dump(&again))
			}
		})
	}
}

func TestEditResponse(t *testing.T) {
	m := mustParse(t, "SIP/2.0 200 OK\r\n"+odd[strings.Index(odd, "v:"):])
	m.SetRURI([]byte("sip:x"))
	if m.Edited() {
		t.Error("a response got a Request-URI")
	}
	m.SetValue(m.First(CSeq), []byte("8 INVITE"))
	if m.Method() != INVITE || m.CSeq() != 8 || string(m.MethodName()) != "INVITE" {
		t.Errorf("CSeq %d %s", m.CSeq(), m.Method())
	}
}

// Getters see edits at once, the decoded views too.
func TestEditSeen(t *testing.T) {
	m := mustParse(t, odd)
	via, _ := m.TopVia()
	if m.InsertNamed(0, "X", nil); via.Element.field != 1 {
		t.Errorf("the decoded Via is at %d", via.Element.field)
	}
	m.Remove(0)
	m.Prepend(Via, []byte("SIP/2.0/TCP c"))
	if via, ok := m.TopVia(); !ok || string(via.Host) != "c" || via.Element.field != 0 {
		t.Errorf("top Via %s at %d", via.Host, via.Element.field)
	}
	m.Remove(0)
	if via, ok := m.TopVia(); !ok || string(via.Host) != "a" {
		t.Errorf("top Via %s", via.Host)
	}
	m.SetValue(m.First(From), []byte("<sip:x@y>;tag=z"))
	m.SetValue(m.First(To), []byte("<sip:v@w>;tag=u"))
	m.SetRURI([]byte("sip:new@host"))
	from, _ := m.From()
	to, _ := m.To()
	u, _ := m.RequestURI()
	if string(m.FromTag()) != "z" || string(m.ToTag()) != "u" || string(from.URI) != "sip:x@y" ||
		string(to.URI) != "sip:v@w" || string(u.User) != "new" {
		t.Errorf("%s %s %s", from.URI, to.URI, u.User)
	}
	m.RemoveAll("Via")
	if _, ok := m.TopVia(); ok {
		t.Error("a top Via without Via")
	}
	m.SetBody("", []byte("xyz"))
	if string(m.Body()) != "xyz" {
		t.Errorf("body %s", m.Body())
	}
}

func TestAppendHeaderLine(t *testing.T) {
	got := string(AppendHeaderLine(nil, RetryAfter, []byte(" 5\r\n(a) ")))
	if want := "Retry-After: 5  (a)\r\n"; got != want {
		t.Errorf("want %q, got %q", want, got)
	}
}
