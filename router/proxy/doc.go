// Package proxy is the proxy core, RFC 3261 §16: target set, forking, best response, record routing.
// Its one law: nothing blocks, and a response context runs on one goroutine at a time.
package proxy
