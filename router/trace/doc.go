// Package trace tells what a policy did to a request, and records it of requests that a
// running server serves.
// Its one law: what is recorded is bounded before it begins, and shows no credentials.
package trace
