package identity

import (
	"bytes"
	"encoding/hex"
	"net/netip"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/siphash"
	"sipedge/sip/transport"
)

// A flow as messages carry it (a flow token, RFC 5626 §5.2), in hexadecimal digits:
//
//	LISTENER.CONN.ADDRESS.PORT.CHECK
//
// CHECK is keyed, over the rest, the address of the listener and what the token is good for: only
// what we wrote leads anywhere, after a restart too.
//
// In a Contact it is a parameter: what a client behind a NAT says of itself leads nowhere, so its
// Contact is given the flow it came by, and stays what it is besides:
//
//	<sip:bob@10.0.0.7:5062;flow=TOKEN>
//
// Its peer has that for the remote target. Where a request of the dialog brings it back, the
// parameter goes and the request takes the flow. The token is good in its own dialog alone. In a
// Path it is good for whatever comes by it (path.go).

const flowStart = ";flow="

// AppendFlow appends a URI with the parameter that leads to f in the dialog of a Call-ID, which
// takes the place of one of ours that it had.
func (r *Router) AppendFlow(dst, uri []byte, f transport.Flow, callID []byte) []byte {
	if from, to, _, had := r.flowIn(uri, callID); had {
		return append(r.appendFlow(append(dst, uri[:from]...), f, callID), uri[to:]...)
	}
	uri, headers, has := bytes.Cut(uri, question)
	dst = r.appendFlow(append(dst, uri...), f, callID)
	if has {
		dst = append(append(dst, question...), headers...)
	}
	return dst
}

var question = []byte("?")

func (r *Router) appendFlow(dst []byte, f transport.Flow, callID []byte) []byte {
	return r.appendFlowToken(append(dst, flowStart...), &r.keys.contact, f, callID)
}

// appendFlowToken appends the token of a flow that is good for something, under a key.
func (r *Router) appendFlowToken(
	dst []byte, key *siphash.Key, f transport.Flow, use []byte,
) []byte {
	dst = append(appendHex(dst, uint64(f.Listener)), '.')
	dst = append(appendHex(dst, f.Conn), '.')
	dst = append(hex.AppendEncode(dst, f.Remote.Addr().Unmap().AsSlice()), '.')
	dst = append(appendHex(dst, uint64(f.Remote.Port())), '.')
	return appendMAC(dst, r.tokenSum(key, f, use))
}

func (r *Router) tokenSum(key *siphash.Key, f transport.Flow, use []byte) uint64 {
	h := key.Start()
	h.Field(r.name(f.Listener).uri)
	h.Word(f.Conn)
	h.Field(f.Remote.Addr().Unmap().AsSlice())
	h.Word(uint64(f.Remote.Port()))
	h.Field(use)
	return h.Sum()
}

// flowIn finds the parameter in a URI. ok false: there is none of ours, of that dialog.
func (r *Router) flowIn(uri, callID []byte) (from, to int, f transport.Flow, ok bool) {
	for to = 0; ; {
		n := bytes.Index(uri[to:], []byte(flowStart))
		if n < 0 {
			return 0, 0, f, false
		}
		from = to + n
		value := uri[from+len(flowStart):]
		if n = bytes.IndexAny(value, ";?"); n >= 0 {
			value = value[:n]
		}
		to = from + len(flowStart) + len(value)
		if f, ok = r.readFlowToken(value, &r.keys.contact, callID); ok {
			return from, to, f, true
		}
	}
}

// readFlowToken reads what appendFlowToken wrote. ok false: it is not ours, not good for that, or
// of a listener that is no more.
func (r *Router) readFlowToken(
	value []byte, key *siphash.Key, use []byte,
) (f transport.Flow, ok bool) {
	part := bytes.SplitN(value, dot, 5)
	if len(part) != 5 {
		return f, false
	}
	listener, ok1 := parseHex(part[0])
	conn, ok2 := parseHex(part[1])
	port, ok3 := parseHex(part[3])
	var b [16]byte
	names := *r.names.Load()
	if !ok1 || !ok2 || !ok3 || listener >= uint64(len(names)) || port > 65535 ||
		names[listener].transport == sip.NoTransport || len(part[2]) > hex.EncodedLen(len(b)) {
		return f, false
	}
	n, err := hex.Decode(b[:], part[2])
	addr, known := netip.AddrFromSlice(b[:n])
	if err != nil || !known {
		return f, false
	}
	f = transport.Flow{
		Transport: names[listener].transport, Listener: uint16(listener), Conn: conn,
		Remote: netip.AddrPortFrom(addr, uint16(port)),
	}
	return f, isMAC(part[4], r.tokenSum(key, f, use))
}

// restoreFlow has a request whose Request-URI has a flow of ours take it, with the URI as its
// client wrote it. Where a Route is left, the request follows that.
func (r *Router) restoreFlow(j *job.Job) {
	if j.Msg.Has(sip.Route) {
		return
	}
	uri := j.Msg.RURI()
	from, to, f, ok := r.flowIn(uri, j.Msg.CallID())
	if !ok {
		return
	}
	j.Own = leaveBy(j, f)
	var buf [256]byte
	j.Own.URI = j.Bytes(append(append(buf[:0], uri[:from]...), uri[to:]...))
	j.Msg.SetRURI(j.Own.URI)
}

// leaveBy is a target that is reached by a flow. One by a stream is where its client stands; the
// source of a datagram is its sender's word, which the destination guard looks at.
func leaveBy(j *job.Job, f transport.Flow) job.Target {
	var buf [128]byte
	hop := f.Remote.AppendTo(append(buf[:0], "sip:"...))
	hop = append(append(hop, ";transport="...), f.Transport.String()...)
	return job.Target{
		Q: 1000, NextHop: j.Bytes(hop), Listener: f.Listener + 1, Conn: f.Conn,
		Local: f.Transport.Reliable(),
	}
}
