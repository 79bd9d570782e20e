// Package tls is the TLS transport, RFC 3261 §26.3 and RFC 5922, over package
// stream. It holds the certificates of a policy, which change while
// connections go on.
//
// Its one law: who is at the other end has proved it before a message passes,
// or is nobody.
package tls
