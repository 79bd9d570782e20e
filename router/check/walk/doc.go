// Package walk runs examples through the rules of a policy, by the decision tables and steps
// that the router has, and says what kept them from where they were to come.
// Its one law: where it does not say that it is unsure, no message for which its reason holds
// comes any further.
package walk
