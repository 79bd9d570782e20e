// Package sip holds SIP messages, RFC 3261: a lazy index over received
// bytes, typed views of it, edits, and what is derived from a request.
// Its one law: it does no I/O, starts no goroutine, and allocates nothing per message.
package sip
