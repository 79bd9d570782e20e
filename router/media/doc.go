// Package media has the media of calls relayed: it finds out which session description is an offer
// and which an answer, RFC 3264, RFC 6337, and puts in their place what a backend makes of them.
// Its one law: no BYE waits for a backend, and no call that failed keeps media.
package media
