package identity

import (
	"bytes"
	"encoding/hex"
	"net/netip"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// The flow of a Contact: what a client behind a NAT says of itself leads nowhere, so its Contact
// is given the flow it came by, and stays what it is besides:
//
//	<sip:bob@10.0.0.7:5062;flow=LISTENER.CONN.ADDRESS.PORT.CHECK>
//
// in hexadecimal digits. Its peer has that for the remote target. Where a request of the dialog
// brings it back, the parameter goes and the request takes the flow, as RFC 5626 §5.3 does by a
// Route. CHECK is keyed, over the rest and Call-ID: only what we wrote leads anywhere, and in its
// own dialog alone.

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
	dst = append(dst, flowStart...)
	dst = append(appendHex(dst, uint64(f.Listener)), '.')
	dst = append(appendHex(dst, f.Conn), '.')
	dst = append(hex.AppendEncode(dst, f.Remote.Addr().Unmap().AsSlice()), '.')
	dst = append(appendHex(dst, uint64(f.Remote.Port())), '.')
	return appendMAC(dst, r.contactSum(f, callID))
}

func (r *Router) contactSum(f transport.Flow, callID []byte) uint64 {
	h := r.keys.contact.Start()
	h.Word(uint64(f.Listener))
	h.Word(f.Conn)
	h.Field(f.Remote.Addr().Unmap().AsSlice())
	h.Word(uint64(f.Remote.Port()))
	h.Field(callID)
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
		if f, ok = r.contactFlow(value, callID); ok {
			return from, to, f, true
		}
	}
}

// contactFlow reads what appendFlow wrote.
func (r *Router) contactFlow(value, callID []byte) (f transport.Flow, ok bool) {
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
		len(part[2]) > hex.EncodedLen(len(b)) {
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
	return f, isMAC(part[4], r.contactSum(f, callID))
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
	var buf [256]byte
	hop := f.Remote.AppendTo(append(buf[:0], "sip:"...))
	hop = append(append(hop, ";transport="...), f.Transport.String()...)
	j.Own = job.Target{
		Q: 1000, NextHop: j.Bytes(hop), Local: true, Listener: f.Listener + 1, Conn: f.Conn,
	}
	j.Own.URI = j.Bytes(append(append(buf[:0], uri[:from]...), uri[to:]...))
	j.Msg.SetRURI(j.Own.URI)
}
