package siptest

import (
	"fmt"
	"strings"
)

// text is a message as lines: nothing is understood that a test doesn't ask for.
type text struct {
	start  string
	fields []field
	body   string
}

type field struct{ name, value string }

func parseText(b []byte) (*text, error) {
	head, body, ok := strings.Cut(string(b), "\r\n\r\n")
	if !ok {
		return nil, fmt.Errorf("no end of headers in %q", b)
	}
	lines := strings.Split(head, "\r\n")
	m := &text{start: lines[0], body: body}
	for _, l := range lines[1:] {
		if l != "" && (l[0] == ' ' || l[0] == '\t') && len(m.fields) > 0 {
			m.fields[len(m.fields)-1].value += " " + strings.TrimSpace(l)
			continue
		}
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			return nil, fmt.Errorf("not a header field: %q", l)
		}
		m.fields = append(m.fields, field{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return m, nil
}

// all returns the elements of every field of that name in order, commas split where
// no quote or angle bracket is open.
func (m *text) all(name string) []string {
	var out []string
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			out = append(out, splitCommas(f.value)...)
		}
	}
	return out
}

func (m *text) get(name string) string { return strings.Join(m.all(name), ", ") }

func (m *text) has(name string) bool {
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			return true
		}
	}
	return false
}

func (m *text) remove(name string) {
	kept := m.fields[:0:0]
	for _, f := range m.fields {
		if !strings.EqualFold(f.name, name) {
			kept = append(kept, f)
		}
	}
	m.fields = kept
}

func (m *text) add(name, value string) { m.fields = append(m.fields, field{name, value}) }

// set replaces the fields of that name by one, where the first stood.
func (m *text) set(name, value string) {
	for i, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			rest := &text{fields: m.fields[i+1:]}
			rest.remove(name)
			m.fields = append(append(m.fields[:i:i], field{f.name, value}), rest.fields...)
			return
		}
	}
	m.add(name, value)
}

func (m *text) bytes() []byte {
	var b strings.Builder
	b.WriteString(m.start + "\r\n")
	for _, f := range m.fields {
		b.WriteString(f.name + ": " + f.value + "\r\n")
	}
	if !m.has("Content-Length") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(m.body))
	}
	b.WriteString("\r\n" + m.body)
	return []byte(b.String())
}

func (m *text) isRequest() bool { return !strings.HasPrefix(m.start, "SIP/2.0 ") }

func (m *text) method() string {
	if m.isRequest() {
		method, _, _ := strings.Cut(m.start, " ")
		return method
	}
	_, method, _ := strings.Cut(m.get("CSeq"), " ")
	return strings.TrimSpace(method)
}

func (m *text) status() string {
	if m.isRequest() {
		return ""
	}
	return strings.Fields(m.start)[1]
}

func (m *text) ruri() string {
	if w := strings.Fields(m.start); m.isRequest() && len(w) > 1 {
		return w[1]
	}
	return ""
}

func splitCommas(s string) []string {
	var out []string
	quoted, angle, from := false, 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle++
		case c == '>':
			angle--
		case c == ',' && angle == 0:
			out = append(out, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(s[from:]))
}

// param finds ;name=value behind the angle brackets of a name-addr, or anywhere in a bare value.
func param(value, name string) string {
	if _, rest, ok := strings.Cut(value, ">"); ok {
		value = rest
	}
	for _, p := range strings.Split(value, ";")[1:] {
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// uriOf is the URI of a name-addr or addr-spec, header parameters left off.
func uriOf(value string) string {
	if _, rest, ok := strings.Cut(value, "<"); ok {
		uri, _, _ := strings.Cut(rest, ">")
		return uri
	}
	uri, _, _ := strings.Cut(value, ";")
	return uri
}
