// Package digest is HTTP digest authentication as SIP has it: RFC 3261 §22, RFC 7616, RFC 8760,
// and the form of RFC 2069 for those who still send it. Its one law: what came from a peer is
// read without allocating and compared in constant time.
package digest
