// Package transport moves SIP messages between sockets and a User, RFC 3261 §18.
// Its one law: sending never blocks the caller, and a peer that misbehaves costs only itself.
package transport
