// Package nexthop is where a request goes when it leaves (RFC 3261 §16.6 steps 6 and 7): the URI
// of its next hop, the hops that URI leads to, the listener it leaves by. Its one law: a place
// that a message names is reached only past the Guard of the policy.
package nexthop
