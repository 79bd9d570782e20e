// Package transaction holds the four transaction machines of RFC 3261 §17,
// with RFC 6026 and RFC 4320, in sharded tables of pointer-free slots.
// Its one law: no goroutine and no clock of its own, and no lock held while it sends or calls up.
package transaction
