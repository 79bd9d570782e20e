// Package identity is what this router writes of itself into messages and
// knows again: Via and its branch, Record-Route, To tags (RFC 3261 §16,
// RFC 5393). Its one law: nothing it wrote is believed without its key.
package identity
