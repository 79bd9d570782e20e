// Package ws carries messages over WebSockets, RFC 7118, over package stream: WS, and WSS where a
// listener has a certificate. Clients open the connections, browsers above all; we open none.
// Its one law: a WebSocket message is a SIP message, whole and alone.
package ws
