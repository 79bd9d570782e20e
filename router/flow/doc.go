// Package flow knows which bindings hang on which connection, and ends them with it: who registered
// over a WebSocket is reached over that one, or not at all (RFC 7118 §5, RFC 5626 §5.3). No
// connection outlives its server, so neither do they. A connection that a binding hangs on, of
// whichever transport, is not idle before that expires.
// Its one law: what a connection's end costs depends on its own bindings alone.
package flow
