// Package job is one message on its way through a policy.
// Its one law: a job belongs to one goroutine at a time and to one run.
package job
