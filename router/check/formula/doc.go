// Package formula says of the matches of a policy what a message (RFC 3261) must be like: in
// formulas of literals, each about one value of it.
// Its one law: what it can't say so is an atom of its own, which may be true or false.
package formula
