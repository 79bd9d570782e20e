// Package control is how a running server is told what to do: an HTTP API on a unix socket, its
// operations and documents, the server and the client.
// Its one law: what a server answers and a client reads is one type, described once.
package control
