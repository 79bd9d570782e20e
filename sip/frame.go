package sip

import "bytes"

// Framer finds messages in a byte stream, RFC 3261 §18.3. It keeps how far
// it looked, so that no byte is looked at twice however it arrives. The
// caller keeps one growing buffer and, after each message, drops its bytes.
type Framer struct {
	scanned int  // how far we looked
	line    int  // where the line we are in begins
	length  int  // where the value of Content-Length begins, 0: not met
	end     int  // and where it ends
	inside  bool // the last field is the Content-Length: a folded line continues it
	total   int  // bytes of the message, 0: its header section has not ended
	half    bool // the last frame was one CRLF
}

// Frame is what the front of a buffer holds.
type Frame uint8

const (
	Incomplete Frame = iota // read more
	Complete                // n bytes are a message
	Ping                    // n bytes complete a CRLFCRLF, RFC 5626 §3.5.1: answer CRLF
	Blank                   // n bytes of CRLF to skip: a pong, or between messages
)

// Next looks at buf, which begins where the last frame ended. Errors: a
// first line that begins no message of any SIP version, no Content-Length or
// two of them, one that is malformed, a header section or message above max:
// the connection can't be used further.
func (f *Framer) Next(buf []byte, max int) (kind Frame, n int, err error) {
	if f.scanned == 0 {
		if kind, n = f.blank(buf); kind != Complete {
			return kind, n, nil
		}
	}
	if f.total == 0 {
		if err := f.scan(buf, max); err != nil || f.total == 0 {
			return Incomplete, 0, err
		}
	}
	if len(buf) < f.total {
		return Incomplete, 0, nil
	}
	n = f.total
	*f = Framer{}
	return Complete, n, nil
}

// blank looks for line ends in front of a message. A CRLFCRLF that came in
// two pieces is a Blank and a Ping. Complete: a message begins.
func (f *Framer) blank(buf []byte) (Frame, int) {
	switch {
	case len(buf) == 0 || len(buf) == 1 && buf[0] == '\r':
		return Incomplete, 0
	case buf[0] == '\n':
		return Blank, 1
	case buf[0] != '\r' || buf[1] != '\n':
		return Complete, 0
	case f.half:
		f.half = false
		return Ping, 2
	case len(buf) >= 4 && buf[2] == '\r' && buf[3] == '\n':
		return Ping, 4
	}
	f.half = true
	return Blank, 2
}

// scan looks at the lines of the header section from scanned on.
func (f *Framer) scan(buf []byte, max int) error {
	for {
		n := bytes.IndexByte(buf[f.scanned:], '\n')
		next := f.scanned + n + 1
		if n < 0 {
			next = len(buf)
		}
		if next > max {
			return errHeaderTooBig
		}
		if n < 0 {
			f.scanned = next
			return nil
		}
		line := buf[f.line : next-1]
		if len(line) > 0 && line[len(line)-1] == '\r' {
			line = line[:len(line)-1]
		}
		if len(line) == 0 {
			return f.measure(buf, next, max)
		}
		if err := f.field(line); err != nil {
			return err
		}
		f.scanned, f.line = next, next
	}
}

// field notes where the Content-Length is.
func (f *Framer) field(line []byte) error {
	if f.line == 0 {
		if !isStartLine(line) {
			return errNotSIP
		}
		return nil
	}
	end := f.line + len(line)
	if line[0] == ' ' || line[0] == '\t' {
		if f.inside {
			f.end = end
		}
		return nil
	}
	colon := bytes.IndexByte(line, ':')
	f.inside = colon > 0 && lookupHeader(trimRight(line[:colon])) == ContentLength
	if !f.inside {
		return nil
	}
	if f.length > 0 {
		return errLengths
	}
	f.length, f.end = f.line+colon+1, end
	return nil
}

// measure computes the size of a message whose header section ends at head.
func (f *Framer) measure(buf []byte, head, max int) error {
	if f.length == 0 {
		return errNoLength
	}
	n, ok := number(trim(buf[f.length:f.end]), 1<<31-1)
	if !ok {
		return errLength
	}
	if n > uint64(max-head) {
		return errBodyTooBig
	}
	f.total = head + int(n)
	return nil
}
