// Package transaction is the transaction layer: the four machines of RFC 3261
// §17 with RFC 6026, their timers and retransmission buffers, for up to
// millions of transactions at once. Its one law: it starts no goroutine and
// never sends or calls its User with a lock held.
package transaction
