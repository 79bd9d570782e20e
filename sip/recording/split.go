package recording

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"sipedge/sip"
)

// mark is where and when a byte was recorded.
type mark struct {
	at   Place
	time time.Time
}

// splitter takes messages off a stream of bytes as a router does, RFC 3261
// §18.3, but goes on behind what is none: with the next start line.
type splitter struct {
	message func(m mark, b []byte) // b is valid until it returns
	fault   func(m mark, err error)
	// A message without a length ends before the next start line or line of dashes,
	// and the last may be cut short: files that people write.
	lenient bool

	framer sip.Framer
	buf    []byte // what is not yet a message
	first  mark   // of buf[0]
	base   int    // of buf, where the bytes of this feed begin
	at     func(i int) mark

	lost    bool // looking for a start line
	told    bool // and that has been said
	from    mark // where we got lost
	passed  int  // bytes passed over since, but for empty lines and dashes
	endless bool // the message at hand has no length
	found   int  // messages so far
}

// feed takes the next bytes of the stream; at tells the mark of each.
func (s *splitter) feed(b []byte, at func(i int) mark) {
	if len(b) == 0 {
		return
	}
	if s.base, s.at = len(s.buf), at; s.base == 0 {
		s.first = at(0)
	}
	s.buf = append(s.buf, b...)
	rest := s.buf
	for len(rest) > 0 {
		n := s.next(rest)
		if n == 0 {
			break
		}
		rest = rest[n:]
		if i := len(s.buf) - len(rest) - s.base; i >= 0 && len(rest) > 0 {
			s.first = at(i)
		}
	}
	s.buf = append(s.buf[:0], rest...)
	s.at = nil
}

// next deals with the front of b, and returns how much it is done with; 0: more
// must come first.
func (s *splitter) next(b []byte) int {
	if s.lost {
		if n := s.seek(b); n > 0 || s.lost {
			return n
		}
	}
	if s.endless {
		return s.unbounded(b)
	}
	kind, n, err := s.framer.Next(b, MaxMessage)
	switch {
	case err != nil:
		s.framer = sip.Framer{}
		return s.unframed(b, err)
	case kind == sip.Incomplete:
		return 0
	case kind == sip.Complete:
		s.found++
		s.message(s.first, b[:n])
	}
	return n
}

// unframed decides what becomes of a front that is no message.
func (s *splitter) unframed(b []byte, err error) int {
	var p *sip.ParseError
	switch {
	case !errors.As(err, &p) || !begins(b):
		s.lost, s.told, s.from = true, false, s.first
		return s.seek(b)
	case s.lenient && p.Class == "content-length" && !hasLength(b):
		s.endless = true
		return s.unbounded(b)
	}
	s.fault(s.first, err)
	s.lost, s.told = true, true
	return bytes.IndexByte(b, '\n') + 1 // else it would be found again
}

// hasLength reports whether a header section has a Content-Length, a bad one.
func hasLength(b []byte) bool {
	for line := range bytes.Lines(b) {
		name, _, ok := bytes.Cut(line, []byte(":"))
		if ok && sip.LookupHeader(bytes.TrimRight(name, " \t")) == sip.ContentLength {
			return true
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return false
		}
	}
	return false
}

// seek passes over lines until one begins a message.
func (s *splitter) seek(b []byte) int {
	n := 0
	for {
		end := bytes.IndexByte(b[n:], '\n') + 1
		line := b[n : n+end]
		switch {
		case end > 0 && begins(line):
			s.tell()
			s.lost = false
			return n
		case end == 0 && len(b)-n <= MaxMessage:
			return n
		case end == 0: // no line is so long
			s.passed += len(b) - n
			return len(b)
		case !parts(line):
			s.passed += len(line)
		}
		n += end
	}
}

// tell tells what was passed over.
func (s *splitter) tell() {
	if s.passed > 0 && !s.told {
		s.fault(s.from, fmt.Errorf("%d bytes are no message", s.passed))
	}
	s.passed = 0
}

// unbounded is next for a message without a length.
func (s *splitter) unbounded(b []byte) int {
	for n := bytes.IndexByte(b, '\n') + 1; ; {
		end := bytes.IndexByte(b[n:], '\n') + 1
		line := b[n : n+end]
		switch {
		case n > MaxMessage:
			s.fault(s.first, errors.New("no end of the message in sight"))
			s.endless, s.lost, s.told = false, true, true
			return n
		case end == 0:
			return 0
		case begins(line) || len(line) > 2 && parts(line):
			s.endless = false
			s.found++
			s.message(s.first, trimmed(b[:n]))
			return n
		}
		n += end
	}
}

// trimmed is a message without a length less the empty lines behind it.
func trimmed(b []byte) []byte {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		i := bytes.Index(b, []byte(end))
		if i >= 0 && len(bytes.Trim(b[i:], "\r\n")) == 0 {
			return b[:i+len(end)]
		}
	}
	return b
}

// begins reports whether b begins with the whole start line of a message.
func begins(b []byte) bool {
	line := b[:bytes.IndexByte(b, '\n')+1]
	var f sip.Framer
	kind, _, err := f.Next(line, len(line))
	return err == nil && kind == sip.Incomplete && len(line) > 0
}

// parts reports whether a line is empty or of dashes.
func parts(line []byte) bool {
	return len(bytes.Trim(line, "-\r\n \t")) == 0
}

// gap says that bytes of the stream are missing.
func (s *splitter) gap(n int, m mark) {
	s.end()
	s.fault(m, fmt.Errorf("%d bytes are missing", n))
}

// end says that the stream ends. The next feed begins another.
func (s *splitter) end() {
	line, _, _ := bytes.Cut(bytes.Trim(s.buf, "\r\n"), newline)
	switch {
	case s.lost || len(line) > 0 && !begins(slices.Concat(line, newline)):
		if !s.lost {
			s.told, s.from = false, s.first
		}
		if !parts(s.buf) {
			s.passed += len(s.buf)
		}
		if s.found > 0 {
			s.tell()
		}
	case len(line) == 0:
	case s.endless:
		s.found++
		s.message(s.first, trimmed(s.buf))
	case s.lenient:
		s.found++
		s.message(s.first, s.buf)
	default:
		s.fault(s.first, fmt.Errorf("%w: %d bytes of a message", ErrCut, len(s.buf)))
	}
	s.framer, s.buf = sip.Framer{}, s.buf[:0]
	s.lost, s.endless, s.passed = false, false, 0
}
