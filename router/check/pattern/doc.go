// Package pattern finds texts that string matchers hold for, users and header values
// (RFC 3261) among them, or shows that there are none.
// Its one law: Nothing is said only when there is none; what gave up says Unsure.
package pattern
