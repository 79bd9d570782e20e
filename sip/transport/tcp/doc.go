// Package tcp is the TCP transport, RFC 3261 §18, over package stream.
// Its one law: a connection we open comes from the listener's address.
package tcp
