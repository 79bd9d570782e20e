// Package poll waits for many connections with one goroutine, and reads and writes them without
// waiting: what the runtime's poller does for a goroutine each costs more than a message does.
// Its one law: a loop waits for all of its connections at once, and for nothing else.
package poll
