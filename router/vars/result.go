package vars

import (
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip/phrase"
)

// Fields of a response, or of the failure a failure route is about.
var resultFields = []Field{
	{
		Name: "status", Where: inResults,
		Doc: "The status of the response; of a failure the best one, 408 for a timeout.",
		Int: func(j *job.Job) (int64, bool) { return int64(j.Status), j.Status != 0 },
	},
	{
		Name: "reason", Where: inResults,
		Doc: "The reason phrase of the response; of a failure the status's own.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if !j.Msg.IsRequest() {
				return append(dst, j.Msg.Reason()...)
			}
			if j.Status == 0 {
				return dst
			}
			return append(dst, phrase.Of(j.Status)...)
		},
	},
	{
		Name: "cause", Where: inResults,
		Doc: "Why a branch failed without a response: timeout or transport.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return append(dst, Cause(j)...)
		},
	},
	{
		Name: "error.class", Where: schema.InError,
		Doc: "What of the message is malformed: start-line, header, via, from, to, call-id, " +
			"cseq, max-forwards, content-length, duplicate, limit, body or uri.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if j.Malformed != nil {
				dst = append(dst, j.Malformed.Class...)
			}
			return dst
		},
	},
	{
		Name: "error.text", Where: schema.InError,
		Doc: "What is wrong with the message, as a reason phrase.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if j.Malformed != nil {
				dst = append(dst, j.Malformed.Text...)
			}
			return dst
		},
	},
	{
		Name: "error.status", Where: schema.InError,
		Doc: "The status the engine answers a malformed request with, unless the route does.",
		Int: func(j *job.Job) (int64, bool) {
			if j.Malformed == nil {
				return 0, false
			}
			return int64(j.Malformed.Status), true
		},
	},
}

// Cause is timeout or transport; "" when a response explains the failure.
func Cause(j *job.Job) string {
	switch j.Cause {
	case job.CauseTimeout:
		return "timeout"
	case job.CauseTransport:
		return "transport"
	}
	return ""
}
