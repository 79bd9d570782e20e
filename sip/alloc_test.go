package sip

import "testing"

// Nothing is allocated per message once a Message has been used.

func TestNoAllocationsOnTheWay(t *testing.T) {
	for _, k := range kinds {
		var m Message
		var n needs
		raw, out := []byte(k.text), make([]byte, 0, 2*len(k.text))
		checkAllocations(t, k.name, []allocation{
			{"parse", func() bool { return parseAll(&m, &n, raw) }},
			{"parse malformed", func() bool { return m.Parse(raw[:200]) != nil }},
			{"views of an edited message", func() bool {
				ok := m.Parse(raw) == nil
				m.known = 0
				return n.read(&m) && ok
			}},
			{"forward", func() (ok bool) { out, ok = parseForward(&m, raw, out); return ok }},
			{"edits", func() bool {
				ok := m.Parse(raw) == nil
				edit(&m)
				out = m.AppendTo(out[:0])
				return ok
			}},
		})
	}
}

// edit makes the edits that forward does not.
func edit(m *Message) {
	uri, x := []byte("sip:bob@192.0.2.4:5070"), []byte("x")
	if e, ok := m.LastElement(Allow); ok {
		m.SetElement(e, x)
	}
	m.InsertNamed(0, "X-Any", x)
	m.Append(Path, uri)
	m.RemoveAll("X-Any")
	m.SetBody("a/b", x)
}

func TestNoAllocations(t *testing.T) {
	var m, c, resp Message
	raw, out := []byte(invite), make([]byte, 0, 8192)
	if m.Parse(raw) != nil || resp.Parse([]byte(ok200)) != nil {
		t.Fatal("refused")
	}
	tag := []byte("tag")
	checkAllocations(t, "INVITE", []allocation{
		{"copy", func() bool { c.CopyFrom(&m); return true }},
		{"getters", func() bool {
			u, err := ParseURI(m.RURI())
			u.Addr()
			out = u.AppendTo(out[:0])
			return err == nil && u.Equal(&u) && m.Find("X-Nothing") < 0 && !m.Option(Supported, "path")
		}},
		{"derive", func() bool {
			out = AppendReply(out[:0], &m, 486, "", tag, nil)
			out = AppendACK(out[:0], &m, &resp)
			out = AppendCancel(out[:0], &m, nil)
			return len(out) > 0
		}},
		{"frame", func() bool {
			var f Framer
			kind, _, _ := f.Next(raw, MaxMessage)
			return kind == Complete
		}},
	})
}

type allocation struct {
	name string
	run  func() (ok bool)
}

func checkAllocations(t *testing.T, kind string, all []allocation) {
	t.Helper()
	for _, a := range all {
		for range 2 { // arenas grow
			if !a.run() {
				t.Errorf("%s: %s: refused", kind, a.name)
			}
		}
		if n := testing.AllocsPerRun(100, func() { a.run() }); n != 0 {
			t.Errorf("%s: %s: %v allocations", kind, a.name, n)
		}
	}
}
