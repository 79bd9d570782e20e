// Package check proves what can be known of a policy before it runs: for each rule a message
// that reaches it, or the rules that take its traffic; that no stranger can relay; and which
// decisions differ between two policies. RFC 3261 §16 is what the rules run in.
// Its one law: what it calls impossible is impossible, what it calls possible comes with a
// message that the decision table itself takes there; all else is undecided, with the reason.
package check
