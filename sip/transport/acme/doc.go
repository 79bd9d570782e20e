// Package acme has CAs issue certificates, RFC 8555, has them renewed in time,
// and keeps them in files. That a name is ours is proved by TLS-ALPN-01,
// RFC 8737, or HTTP-01.
//
// Its one law: nobody waits for it, and what was issued last stays until there
// is something better.
package acme
