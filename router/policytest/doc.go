// Package policytest runs the tests of a policy, and explains what it does to a
// message: the real router, in virtual time, between a caller and branches that
// answer as they are told. Nothing is resolved, opened or contacted.
// Its one law: a verdict comes from what the router did, never from reading the policy.
package policytest
