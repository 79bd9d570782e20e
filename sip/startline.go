package sip

import "bytes"

// shownStart is how much of a start line is shown, in bytes.
const shownStart = 256

// StartLine is the start line of a message as a log may have it: not all of a long one, and three
// stars for the password of its URI, RFC 3261 §19.1.1. What follows it carries secrets.
func StartLine(raw []byte) string {
	line := raw
	if end := bytes.IndexAny(line, "\r\n"); end >= 0 {
		line = line[:end]
	}
	if from, to := password(line); from > 0 {
		line = bytes.Join([][]byte{line[:from], line[to:]}, []byte("***"))
	}
	return string(line[:min(len(line), shownStart)])
}

// password is where that of the URI in a line is; from 0: there is none.
func password(line []byte) (from, to int) {
	uri := bytes.IndexByte(line, ' ') + 1
	to = bytes.IndexByte(line, '@')
	if to < uri {
		return 0, 0
	}
	user := bytes.IndexByte(line[uri:to], ':') + 1 // behind the scheme
	if user == 0 {
		return 0, 0
	}
	colon := bytes.IndexByte(line[uri+user:to], ':') + 1
	if colon == 0 {
		return 0, 0
	}
	return uri + user + colon, to
}
