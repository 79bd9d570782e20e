// Package udp is the UDP transport, RFC 3261 §18: sockets read by several
// goroutines, each of which runs what it read to completion.
// Its one law: nothing is allocated for a datagram.
package udp
