package sip

// Framer finds messages in a byte stream, RFC 3261 §18.3. It keeps how far
// it looked, so that no byte is looked at twice however it arrives. The
// caller keeps one growing buffer and, after each message, drops its bytes.
type Framer struct {
	scanned int
}

// Frame is what the front of a buffer holds.
type Frame uint8

const (
	Incomplete Frame = iota // read more
	Complete                // n bytes are a message
	Ping                    // n bytes are CRLFCRLF, RFC 5626 §3.5.1: answer CRLF
	Blank                   // n bytes of CRLF to skip: a pong, or between messages
)

// Next looks at buf, which begins where the last frame ended. Errors: no
// Content-Length or two that differ, one that is malformed, a header
// section or message above max: the connection can't be used further.
func (f *Framer) Next(buf []byte, max int) (kind Frame, n int, err error) { panic("contract") }
