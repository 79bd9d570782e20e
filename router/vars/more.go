package vars

import (
	"strconv"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// viaFields are parts of the top Via; branch and host stand in messageFields.
var viaFields = []Field{
	via("via.transport", "The transport of the top Via, as written.",
		func(dst []byte, v *sip.ViaValue) []byte { return append(dst, v.Protocol...) }),
	via("via.port", "The sent-by port of the top Via, if one is written.",
		func(dst []byte, v *sip.ViaValue) []byte { return appendPort(dst, v.Port) }),
	via("via.received", "The received parameter of the top Via, RFC 3261 §18.2.1.",
		func(dst []byte, v *sip.ViaValue) []byte { return append(dst, v.Received...) }),
	via("via.rport", "The value of the rport parameter of the top Via, RFC 3581.",
		func(dst []byte, v *sip.ViaValue) []byte { return appendPort(dst, v.RPort) }),
}

func via(name, doc string, part func([]byte, *sip.ViaValue) []byte) Field {
	return Field{
		Name: name, Doc: doc, Where: inMessages,
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if v, ok := j.Msg.TopVia(); ok {
				dst = part(dst, v)
			}
			return dst
		},
	}
}

func appendPort(dst []byte, port uint16) []byte {
	if port == 0 {
		return dst
	}
	return strconv.AppendUint(dst, uint64(port), 10)
}

// stateFields are what the run did so far, and the body.
var stateFields = []Field{
	{
		Name: "body", Where: inMessages,
		Doc:    "The body, as it is.",
		Append: func(dst []byte, j *job.Job, _ string) []byte { return append(dst, j.Msg.Body()...) },
	},
	{
		Name: "body.size", Where: inMessages,
		Doc: "Bytes of the body.",
		Int: func(j *job.Job) (int64, bool) { return int64(len(j.Msg.Body())), true },
	},
	{
		Name: "last_error", Where: inTargets,
		Doc: "The status of the last error inside, which reply_error answers.",
		Int: func(j *job.Job) (int64, bool) { return int64(j.LastError), j.LastError != 0 },
	},
	{
		Name: "send_socket", Where: inRequests,
		Doc: "The listener force_send_socket chose, in its words.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if j.Self == nil || j.SendSocket == transport.AnyListener {
				return dst
			}
			if l, ok := j.Self.Bound(j.SendSocket); ok {
				dst = append(append(dst, l.Transport.String()...), ':')
				dst = l.Addr.AppendTo(dst)
			}
			return dst
		},
	},
}

// originalFields are the Request-URI as it was received.
func originalFields() []Field {
	return append([]Field{{
		Name: "original", Type: URI, Where: inRequests,
		Doc:    "The Request-URI as received, as revert_uri puts it back.",
		Append: func(dst []byte, j *job.Job, _ string) []byte { return append(dst, j.Received...) },
	}}, partFields("original", "the Request-URI as received", inRequests,
		func(j *job.Job) (sip.URI, bool) {
			u, err := sip.ParseURI(j.Received)
			return u, err == nil
		})...)
}
