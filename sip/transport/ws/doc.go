// Package ws carries messages over WebSockets, RFC 7118, over package stream: WS, and WSS with what
// package tls puts below. Clients open the connections, browsers above all; we open none.
// Its one law: a WebSocket message is a SIP message, whole and alone.
package ws
