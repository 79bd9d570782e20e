package vars

import (
	"time"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// Fields of a message as a whole, and of its header.
var messageFields = []Field{
	{
		Name: "method", Where: inMessages,
		Doc: "The method; of a reply the one of its CSeq.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return append(dst, j.Msg.MethodName()...)
		},
	},
	{
		Name: "callid", Where: inMessages,
		Doc: "The Call-ID.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return append(dst, j.Msg.CallID()...)
		},
	},
	{
		Name: "cseq", Where: inMessages,
		Doc: "The sequence number of CSeq.",
		Int: func(j *job.Job) (int64, bool) {
			return int64(j.Msg.CSeq()), j.Msg.Has(sip.CSeq)
		},
	},
	{
		Name: "headers.*", Where: inMessages,
		Doc: "The header field of that name, long or compact, unfolded: the first, or " +
			"headers.X[1] the second, headers.X[-1] the last.",
		Append: func(dst []byte, j *job.Job, name string) []byte {
			return appendHeader(dst, j, name, 0)
		},
		At: appendHeader,
	},
	{
		Name: "user_agent", Where: inMessages,
		Doc:    "User-Agent.",
		Append: header(sip.UserAgent),
	},
	{
		Name: "body.type", Where: inMessages,
		Doc:    "Content-Type.",
		Append: header(sip.ContentType),
	},
	{
		Name: "max_forwards", Where: inMessages,
		Doc: "Max-Forwards as it stands: in branch and failure routes it is lowered.",
		Int: func(j *job.Job) (int64, bool) {
			n, ok := j.Msg.MaxForwards()
			return int64(n), ok
		},
	},
	{
		Name: "size", Where: inMessages,
		Doc: "Bytes of the message as received.",
		Int: func(j *job.Job) (int64, bool) {
			if j.Size > 0 {
				return int64(j.Size), true
			}
			return int64(len(j.Msg.Raw())), true
		},
	},
	{
		Name: "in_dialog", Where: inMessages,
		Doc:  "Whether the To header field has a tag.",
		Bool: func(j *job.Job) (b, ok bool) { return j.Msg.ToTag() != nil, true },
	},
	{
		Name: "direction", Where: inMessages,
		Doc: "downstream or upstream, after loose_route met a valid tag.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			switch j.Direction {
			case job.Downstream:
				return append(dst, "downstream"...)
			case job.Upstream:
				return append(dst, "upstream"...)
			}
			return dst
		},
	},
	{
		Name: "rr_params.*", Where: inMessages,
		Doc: "The value of that parameter of our Record-Route: after loose_route met a valid tag, " +
			"as record_route wrote it when the dialog began.",
		Append: func(dst []byte, j *job.Job, param string) []byte {
			v, _ := sip.Param(j.RRParams, param)
			return append(dst, v...)
		},
	},
	{
		Name: "via.branch", Where: inMessages,
		Doc: "The branch of the top Via.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if v, ok := j.Msg.TopVia(); ok {
				dst = append(dst, v.Branch...)
			}
			return dst
		},
	},
	{
		Name: "via.host", Where: inMessages,
		Doc: "The sent-by host of the top Via, an IPv6 address in brackets.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if v, ok := j.Msg.TopVia(); ok {
				dst = sip.AppendHost(dst, v.Host)
			}
			return dst
		},
	},
	{
		Name: "time.unix", Where: schema.Anywhere,
		Doc: "Seconds since 1970 when the run began.",
		Int: func(j *job.Job) (int64, bool) {
			if j.Now.IsZero() {
				return time.Now().Unix(), true
			}
			return j.Now.Unix(), true
		},
	},
}

func appendHeader(dst []byte, j *job.Job, name string, n int) []byte {
	if n < 0 {
		for i := j.Msg.Find(name); i >= 0; i = j.Msg.Next(i) {
			n++
		}
		if n < 0 {
			return dst
		}
	}
	i := j.Msg.Find(name)
	for ; n > 0 && i >= 0; n-- {
		i = j.Msg.Next(i)
	}
	if i >= 0 {
		dst = sip.Unfold(dst, j.Msg.Value(i))
	}
	return dst
}

func header(id sip.HeaderID) func([]byte, *job.Job, string) []byte {
	return func(dst []byte, j *job.Job, _ string) []byte {
		return sip.Unfold(dst, j.Msg.Get(id))
	}
}
