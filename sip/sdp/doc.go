// Package sdp reads what routing asks of a session description, RFC 8866.
// Its one law: it only reads, in place, and allocates nothing.
package sdp
