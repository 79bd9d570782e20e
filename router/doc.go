// Package router is the transaction user: a policy goes in, signalling comes out.
// It compiles a document to an immutable policy and runs every message by the one
// that is current, on the goroutine that read it. Its one law: no message is left
// without a decision, and no message can harm another.
package router
