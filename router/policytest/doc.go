// Package policytest runs the tests of a policy: it reads what is given and expected,
// has package scene play it, and compares.
// Its one law: a verdict comes from what the router did, never from reading the policy.
package policytest
