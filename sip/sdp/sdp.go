package sdp

import "bytes"

// Find is the session description in a body of that Content-Type: the body
// itself, or the first such part of a multipart one (RFC 5621). nil: none.
func Find(contentType, body []byte) []byte {
	from, to, ok := Span(contentType, body)
	if !ok {
		return nil
	}
	return body[from:to]
}

// Span is where in a body the session description is that Find finds.
func Span(contentType, body []byte) (from, to int, ok bool) {
	kind, params, _ := bytes.Cut(contentType, []byte(";"))
	kind = bytes.TrimSpace(kind)
	if bytes.EqualFold(kind, []byte("application/sdp")) {
		return 0, len(body), true
	}
	if len(kind) < 10 || !bytes.EqualFold(kind[:10], []byte("multipart/")) {
		return 0, 0, false
	}
	boundary := parameter(params, "boundary")
	if len(boundary) == 0 {
		return 0, 0, false
	}
	for left := body; ; {
		_, rest, ok := cutBoundary(left, boundary)
		if !ok {
			return 0, 0, false
		}
		part, _, closed := cutBoundary(rest, boundary)
		if !closed {
			return 0, 0, false
		}
		header, content := cutHeader(part)
		if isSDP(header) {
			to = len(body) - len(rest) + len(part)
			return to - len(content), to, true
		}
		left = rest
	}
}

// cutBoundary cuts at the line "--boundary".
func cutBoundary(b, boundary []byte) (before, after []byte, ok bool) {
	for at := 0; ; {
		i := bytes.Index(b[at:], boundary)
		if i < 0 {
			return b, nil, false
		}
		i += at
		at = i + len(boundary)
		start := i - len("--")
		if start >= 0 && b[start] == '-' && b[start+1] == '-' && (start == 0 || b[start-1] == '\n') {
			return bytes.TrimSuffix(bytes.TrimSuffix(b[:start], []byte("\n")), []byte("\r")), b[at:], true
		}
	}
}

// cutHeader cuts a part behind its empty line.
func cutHeader(part []byte) (header, content []byte) {
	for at := 0; at < len(part); {
		n := bytes.IndexByte(part[at:], '\n')
		if n < 0 {
			return part, nil
		}
		line := part[at : at+n]
		at += n + 1
		if len(bytes.TrimSpace(line)) == 0 && at > n+1 {
			return part[:at], part[at:]
		}
	}
	return part, nil
}

func isSDP(header []byte) bool {
	const name = "content-type:"
	for len(header) > 0 {
		line, rest, _ := bytes.Cut(header, []byte("\n"))
		header = rest
		if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
			continue
		}
		kind, _, _ := bytes.Cut(line[len(name):], []byte(";"))
		return bytes.EqualFold(bytes.TrimSpace(kind), []byte("application/sdp"))
	}
	return false
}

// parameter is the value of a parameter of a Content-Type, without quotes.
func parameter(params []byte, name string) []byte {
	for len(params) > 0 {
		p, rest, _ := bytes.Cut(params, []byte(";"))
		params = rest
		key, value, _ := bytes.Cut(p, []byte("="))
		if bytes.EqualFold(bytes.TrimSpace(key), []byte(name)) {
			return bytes.Trim(bytes.TrimSpace(value), `"`)
		}
	}
	return nil
}

// Media is one m= line with the lines below it, RFC 8866 §5.14.
type Media struct {
	Kind    []byte // audio, video, image …
	Port    []byte // "0": refused
	Formats []byte // payload types of RTP, parted by spaces
	lines   []byte
}

// Next is the first media description in b, and what is behind it; ok false:
// there is none.
func Next(b []byte) (m Media, rest []byte, ok bool) {
	for len(b) > 0 && !(b[0] == 'm' && len(b) > 1 && b[1] == '=') {
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	if len(b) == 0 {
		return m, nil, false
	}
	line, rest, _ := bytes.Cut(b[2:], []byte("\n"))
	line = bytes.TrimSpace(line)
	m.Kind, line, _ = bytes.Cut(line, []byte(" "))
	m.Port, line, _ = bytes.Cut(line, []byte(" "))
	_, m.Formats, _ = bytes.Cut(line, []byte(" "))
	if bytes.HasPrefix(rest, []byte("m=")) {
		return m, rest, true
	}
	i := bytes.Index(rest, []byte("\nm="))
	if i < 0 {
		m.lines = rest
		return m, nil, true
	}
	m.lines = rest[:i+1]
	return m, rest[i+1:], true
}

// Refused reports whether the port is 0: the media is not wanted.
func (m *Media) Refused() bool {
	port, _, _ := bytes.Cut(m.Port, []byte("/"))
	return string(port) == "0"
}

// Codec reports whether f holds of the name of a format: that of its rtpmap,
// the one RFC 3551 §6 gives a payload type, or, where the formats are no
// numbers, the format.
func (m *Media) Codec(f func(name []byte) bool) bool {
	for formats := m.Formats; len(formats) > 0; {
		var format []byte
		format, formats, _ = bytes.Cut(formats, []byte(" "))
		name := m.mapped(format)
		if name == nil {
			name = static(format)
		}
		if len(name) > 0 && f(name) {
			return true
		}
	}
	return false
}

// mapped is the encoding name that a=rtpmap gives a payload type, or nil.
func (m *Media) mapped(format []byte) []byte {
	for b := m.lines; len(b) > 0; {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte("\n"))
		line, ok := bytes.CutPrefix(line, []byte("a=rtpmap:"))
		if !ok {
			continue
		}
		number, encoding, _ := bytes.Cut(line, []byte(" "))
		if bytes.Equal(number, format) {
			name, _, _ := bytes.Cut(encoding, []byte("/"))
			return bytes.TrimSpace(name)
		}
	}
	return nil
}

// names of static payload types, RFC 3551 §6.
var names = [...][]byte{
	0: []byte("PCMU"), 3: []byte("GSM"), 4: []byte("G723"), 5: []byte("DVI4"), 6: []byte("DVI4"),
	7: []byte("LPC"), 8: []byte("PCMA"), 9: []byte("G722"), 10: []byte("L16"), 11: []byte("L16"),
	12: []byte("QCELP"), 13: []byte("CN"), 14: []byte("MPA"), 15: []byte("G728"),
	16: []byte("DVI4"), 17: []byte("DVI4"), 18: []byte("G729"), 25: []byte("CelB"),
	26: []byte("JPEG"), 28: []byte("nv"), 31: []byte("H261"), 32: []byte("MPV"),
	33: []byte("MP2T"), 34: []byte("H263"),
}

// static is the name of a payload type without rtpmap.
func static(format []byte) []byte {
	n := 0
	for _, c := range format {
		if c < '0' || c > '9' {
			return format
		}
		if n = n*10 + int(c-'0'); n >= len(names) {
			return nil
		}
	}
	return names[n]
}
