// Package auth finds out who sent a request, by digest authentication (RFC 3261 §22, RFC 8760):
// challenges, nonces, users, and whom a user may say he is. Its one law: nothing is remembered of
// who has not proved to know a password, and what is answered does not tell why.
package auth
