// Package myself is what of a URI makes it ours, RFC 3261 §16.4, by what a policy says.
// Its one law: what it says of URIs is what the matcher myself says of them.
package myself
