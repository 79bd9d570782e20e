// Package outbound keeps an edge on the way to who registers through it: Path, RFC 3327, with the
// flow of RFC 5626. Its one law: who gets the Path has the flow that the REGISTER came by, and
// nobody else's.
package outbound
