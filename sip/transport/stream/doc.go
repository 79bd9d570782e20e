// Package stream carries messages over connections, RFC 3261 §18: framing,
// write queues, limits, keep-alive. TCP is built on it, and whatever else
// brings a net.Listener and a way to dial.
//
// A connection over TCP, and what stands upon it, is read by a loop of package
// poll, with many others. Each other one has one goroutine from its first
// moment to its last, which reads, reports what did not leave, and says
// Closed; another one writes while something waits.
//
// Its one law: a peer costs no more than its limits, however it behaves.
//
// Locks: neither Socket.mu nor conn.mu is held while the User is called. The
// Gate's may be taken under Socket.mu, those of loops under conn.mu.
package stream
