package sip

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func FuzzMessage(f *testing.F) {
	for _, raw := range tortureFiles(f) {
		f.Add(raw)
	}
	for _, text := range []string{options, odd, received} {
		f.Add([]byte(text))
	}
	for _, k := range kinds {
		f.Add([]byte(k.text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m Message
		before := string(raw)
		err := m.Parse(raw)
		var e *ParseError
		if err != nil && (!errors.As(err, &e) || e.Status < 400 || e.Class == "" || e.Text == "" ||
			e.Offset < 0 || e.Offset > len(raw)) {
			t.Fatalf("error %#v", err)
		}
		checkPlain(t, raw)
		_ = dump(&m)
		if !bytes.Contains(raw, m.AppendTo(nil)) || err == nil && !strings.HasPrefix(
			strings.TrimLeft(before, "\r\n"), string(m.AppendTo(nil))) {
			t.Fatal("bytes changed")
		}
		var c Message
		if c.CopyFrom(&m); dump(&c) != dump(&m) || c.Replyable() != m.Replyable() {
			t.Fatalf("message\n%s\ncopied as\n%s", dump(&m), dump(&c))
		}
		if m.Replyable() {
			var reply Message
			if err := reply.Parse(AppendReply(nil, &m, 500, "", []byte("t"), nil)); err == nil &&
				!bytes.Equal(reply.CallID(), m.CallID()) {
				t.Fatalf("reply %v to\n%q", err, raw)
			} else if err != nil && e == nil {
				t.Fatalf("reply %v to\n%q", err, raw)
			}
		}
		relay(&m)
		_ = dump(&m)
		wire := m.AppendTo(nil)
		if head := string(m.AppendHead(nil)); head+string(m.Body()) != string(wire) {
			t.Fatalf("head %q, whole %q", head, wire)
		}
		if len(wire) != m.WireLen() {
			t.Fatalf("WireLen %d, wrote %d", m.WireLen(), len(wire))
		}
		if err != nil || len(wire) > MaxMessage || m.Len() > MaxHeaders {
			return
		}
		var again Message
		if err := again.Parse(wire); err != nil && again.err.Class != "limit" {
			t.Fatalf("%v in the edited message\n%q", err, wire)
		}
		if dump(&again) != dump(&m) {
			t.Fatalf("message\n%s\nwritten as\n%s", dump(&m), dump(&again))
		}
		if string(raw) != before {
			t.Fatal("the received bytes were written to")
		}
	})
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{
		"sip:alice:pw@atlanta.com:5061;transport=tcp;lr?a=b&c=d", "tel:+1-2;ext=3",
		"sips:%61;x@[2001:db8:::192.0.2.1]", "urn:x", "sip:a@1.2.3.4"} {
		f.Add(s, "sip:alice@AtLanTa.CoM;Transport=tcp")
	}
	for _, raw := range tortureFiles(f) {
		var m Message
		_ = m.Parse(raw)
		f.Add(string(m.RURI()), "sip:user@example.com")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		u, err := ParseURI([]byte(a))
		if err != nil {
			return
		}
		if !u.Equal(&u) {
			t.Fatalf("%q is not equal to itself", a)
		}
		again, err := ParseURI(u.AppendTo(nil))
		if err != nil || !u.Equal(&again) || !bytes.Equal(again.AppendTo(nil), u.AppendTo(nil)) {
			t.Fatalf("%q written as %q: %v", a, u.AppendTo(nil), err)
		}
		if addr, ok := u.Addr(); ok && !EqualHost([]byte(addr.String()), u.Host) {
			t.Fatalf("%q is not %s", u.Host, addr)
		}
		v, err := ParseURI([]byte(b))
		if err == nil && u.Equal(&v) != v.Equal(&u) {
			t.Fatalf("%q and %q: equality is not symmetric", a, b)
		}
	})
}

func FuzzAddr(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "::1", "2001:db8::9:1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8",
		"1::", "01.2.3.4", "256.1.1.1", "2001:db8:::192.0.2.1", "1:2:3:4:5:6:7::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseAddr([]byte(s))
		want, err := naiveAddr(s)
		if ok != (err == nil) || ok && got != want {
			t.Fatalf("%q: want %s %v, got %s %v", s, want, err, got, ok)
		}
	})
}

func FuzzVia(f *testing.F) {
	for _, raw := range tortureFiles(f) {
		var m Message
		_ = m.Parse(raw)
		for e, ok := m.FirstElement(Via); ok; e, ok = m.NextElement(e) {
			f.Add(string(e.Value))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkPlainVia(t, []byte(s))
		v, err := ParseVia([]byte(s))
		if err != nil {
			return
		}
		if len(v.Host) == 0 || len(v.Protocol) == 0 {
			t.Fatalf("%q has no host or protocol", s)
		}
		if branch, _ := Param(v.Params, "branch"); string(branch) != string(v.Branch) {
			t.Fatalf("%q: branch %q and %q", s, branch, v.Branch)
		}
		line := "SIP/2.0/" + string(v.Protocol) + " " + string(AppendHost(nil, v.Host)) + string(v.Params)
		again, err := ParseVia([]byte(line))
		if err != nil || !bytes.Equal(v.Branch, again.Branch) || v.HasRPort != again.HasRPort ||
			v.RPort != again.RPort || !bytes.Equal(v.Received, again.Received) {
			t.Fatalf("%q and %q differ: %v", s, line, err)
		}
	})
}

func FuzzNameAddr(f *testing.F) {
	for _, raw := range tortureFiles(f) {
		var m Message
		_ = m.Parse(raw)
		for _, id := range []HeaderID{From, To, Contact, Route} {
			f.Add(string(m.Get(id)))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkPlainAddress(t, trim([]byte(s)))
		a, err := ParseNameAddr([]byte(s))
		if err != nil || a.Star {
			return
		}
		line := string(a.Display) + "<" + string(a.URI) + ">" + string(a.Params)
		again, err := ParseNameAddr([]byte(line))
		if err != nil || !bytes.Equal(a.URI, again.URI) || !bytes.Equal(a.Tag(), again.Tag()) ||
			!bytes.Equal(a.Params, again.Params) || !bytes.Equal(a.Display, again.Display) {
			t.Fatalf("%q and %q differ: %v", s, line, err)
		}
		if q, ok := a.Q(); q < 0 || q > 1000 || !ok && q != 0 {
			t.Fatalf("q is %d %v", q, ok)
		}
	})
}

func FuzzFramer(f *testing.F) {
	for _, raw := range tortureFiles(f) {
		f.Add(string(raw)+"\r\n\r\n"+options, uint8(7))
	}
	f.Fuzz(func(t *testing.T, stream string, step uint8) {
		const max = 2000
		want := frames([]string{stream}, max)
		var pieces []string
		for rest := stream; rest != ""; {
			n := min(int(step)+1, len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got := frames(pieces, max); got != want {
			t.Fatalf("in one: %q\nby %d: %q", want, step+1, got)
		}
	})
}
