package recording

import (
	"bytes"
	"errors"
	"io"
)

// readMessages reads a file of messages one behind the other. Empty lines and
// lines of dashes may stand between them.
func readMessages(r *Recording, out *output) error {
	s := splitter{
		lenient: true,
		message: func(m mark, b []byte) {
			out.message(&Message{At: m.at, Time: m.time, Bytes: bytes.Clone(b)})
		},
		fault: func(m mark, err error) { out.fault(m.at, err) },
	}
	line := 1
	buf := make([]byte, peek)
	for !out.done {
		n, err := r.in.Read(buf)
		b, seen := buf[:n], 0
		s.feed(b, func(i int) mark { // i never falls
			line += bytes.Count(b[seen:i], newline)
			seen = i
			return mark{at: Place{"line", line}}
		})
		line += bytes.Count(b[seen:], newline)
		switch {
		case err == nil:
			continue
		case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
			s.end()
			if err != io.EOF {
				out.fault(Place{"line", line}, ErrCut)
			}
			return nil
		}
		return err
	}
	return nil
}

var newline = []byte("\n")
