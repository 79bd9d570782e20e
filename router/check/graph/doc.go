// Package graph is a policy as its proofs see it: routes that lead to each other, rules with
// what they ask of a message and steps with what they change of one. RFC 3261 §16 is what
// relay is taken to do.
// Its one law: what a step may write is said of it, also where what it writes can't be known.
package graph
