package recording

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sipedge/sip"
)

// A message log of SIPp (-trace_msg) is a sequence of
//
//	----------------------------------------------- 2026-02-28 18:30:00.123456
//	UDP message sent (514 bytes):
//
//	INVITE …
//
// with a line end behind the bytes counted; "received [514] bytes :" likewise.
var (
	sippRule  = regexp.MustCompile(`^-{40,}[ \t]*(.*?)\r?\n?$`)
	sippTitle = regexp.MustCompile(
		`^(\S+) (?:control )?message (sent|received) [(\[](\d+)(?: bytes\)|\] bytes) ?:\r?\n?$`)
	// Messages told a second time, for what became of them.
	sippAgain = regexp.MustCompile(`^(Unexpected|Ignoring|Dead call) .*message`)
)

func isSIPp(head []byte) bool {
	rule := false
	for line := range bytes.Lines(head) {
		if rule && sippTitle.Match(line) {
			return true
		}
		rule = sippRule.Match(line)
	}
	return false
}

// sippLog is where the reading of a log stands.
type sippLog struct {
	in   *bufio.Reader
	out  *output
	line int // lines read
}

func readSIPp(r *Recording, out *output) error {
	l := &sippLog{in: r.in, out: out}
	var at time.Time
	rule := false
	for !out.done {
		line, err := l.next()
		if err != nil {
			return l.ended(err)
		}
		if m := sippRule.FindSubmatch(line); m != nil {
			at, rule = sippTime(string(m[1])), true
			continue
		}
		m := sippTitle.FindSubmatch(line)
		switch {
		case rule && m != nil:
			err = l.message(m, at)
		case rule && !sippAgain.Match(line):
			l.out.fault(Place{"line", l.line}, errors.New(string(bytes.TrimRight(line, ":\r\n"))))
		}
		if err != nil {
			return l.ended(err)
		}
		rule = false
	}
	return nil
}

// next reads a line; one that is too long comes in pieces.
func (l *sippLog) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if len(line) > 0 && (err == io.EOF || err == bufio.ErrBufferFull) {
		return line, nil
	}
	l.line++
	return line, err
}

// message reads the bytes of a message behind its title.
func (l *sippLog) message(title [][]byte, at time.Time) error {
	place := Place{"line", l.line}
	n, err := strconv.Atoi(string(title[3]))
	if err != nil || n > MaxMessage {
		l.out.fault(place, fmt.Errorf("a message of %s bytes", title[3]))
		return nil
	}
	if _, err := l.next(); err != nil { // the empty line
		return err
	}
	b := make([]byte, n)
	got, err := io.ReadFull(l.in, b)
	l.line += bytes.Count(b[:got], newline)
	if err != nil {
		l.out.fault(place, fmt.Errorf("%w: %d of %d bytes of a message", ErrCut, got, n))
		return err
	}
	if end, err := l.in.Peek(1); err == nil && end[0] != '\n' {
		l.out.fault(place, fmt.Errorf("a message that is not of %d bytes", n))
		return nil
	}
	m := &Message{
		At: place, Time: at, Transport: sip.LookupTransport(title[1]), Course: Sent, Bytes: b,
	}
	if string(title[2]) == "received" {
		m.Course = Received
	}
	l.out.message(m)
	return nil
}

// ended is what the end of the log means.
func (l *sippLog) ended(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// sippTime reads a time of the machine that SIPp ran on, taken as the zone here.
func sippTime(s string) time.Time {
	s = strings.ReplaceAll(s, "\t", " ")
	t, err := time.ParseInLocation("2006-01-02 15:04:05.999999", s[:min(len(s), 26)], time.Local)
	if err != nil {
		return time.Time{}
	}
	return t
}
