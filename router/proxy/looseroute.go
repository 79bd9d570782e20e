package proxy

import (
	"sipedge/router/job"
	"sipedge/sip/transport"
)

// LooseRoute takes our Route out, RFC 3261 §16.4, the Request-URI of a strict
// router before us included, and both of a pair. ok false: no Route of ours
// with a valid tag (verify), in a request with a To tag, nor a Path of ours in
// one without, stands on top; nothing was changed. It sets Direction and Verified
// by the tag, RRParams, and SendSocket to the other side's socket if there were two.
func (p *Proxy) LooseRoute(j *job.Job, verify bool) (ok bool) {
	return p.own.LooseRoute(j, verify)
}

// AppendFlow appends a URI with a parameter by which LooseRoute has requests of the dialog of a
// Call-ID take the flow f.
func (p *Proxy) AppendFlow(dst, uri []byte, f transport.Flow, callID []byte) []byte {
	return p.own.AppendFlow(dst, uri, f, callID)
}

// AppendPath appends parameters of a Path by which LooseRoute has requests take the flow f.
func (p *Proxy) AppendPath(dst []byte, f transport.Flow) []byte { return p.own.AppendPath(dst, f) }
