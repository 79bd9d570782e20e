package sip

import "testing"

// Nothing is allocated per message once a Message has been used.
func TestNoAllocations(t *testing.T) {
	var m, c, resp Message
	raw, out := []byte(invite), make([]byte, 0, 8192)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(resp.Parse([]byte(ok200)))
	uri, tag, x := []byte("sip:bob@192.0.2.4:5070"), []byte("tag"), []byte("x")
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"parse", func() { must(m.Parse(raw)) }},
		{"parse malformed", func() { _ = c.Parse(raw[:200]) }},
		{"copy", func() { c.CopyFrom(&m) }},
		{"getters", func() {
			m.known = 0
			m.TopVia()
			m.From()
			m.To()
			m.RequestURI()
			m.MaxForwards()
			m.Find("X-Nothing")
			m.Option(Supported, "path")
			u, _ := ParseURI(m.RURI())
			u.Equal(&u)
			u.Addr()
			out = u.AppendTo(out[:0])
		}},
		{"relay", func() {
			must(m.Parse(raw))
			relay(&m)
			out = m.AppendTo(out[:0])
		}},
		{"edits", func() {
			must(m.Parse(raw))
			e, _ := m.LastElement(Allow)
			m.SetElement(e, x)
			m.InsertNamed(0, "X-Any", x)
			m.Append(Path, uri)
			m.RemoveAll("X-Any")
			m.SetBody("a/b", x)
			out = m.AppendTo(out[:0])
		}},
		{"derive", func() {
			must(m.Parse(raw))
			out = AppendReply(out[:0], &m, 486, "", tag, nil)
			out = AppendACK(out[:0], &m, &resp)
			out = AppendCancel(out[:0], &m, nil)
		}},
		{"frame", func() {
			var f Framer
			if kind, _, _ := f.Next(raw, MaxMessage); kind != Complete {
				t.Fatal("no frame")
			}
		}},
	} {
		c.run() // arenas grow
		if n := testing.AllocsPerRun(100, c.run); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}
