// Package proxy is the proxy core, RFC 3261 §16 with RFC 4320, RFC 5393 and
// RFC 6026: target set, forking, best response, record routing and replies;
// what has no state is package stateless's. Its one law: nothing blocks, and a response context
// runs on one goroutine at a time.
package proxy
