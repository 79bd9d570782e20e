package vars

import (
	"sipedge/router/job"
	"sipedge/sip"
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
			return append(dst, sip.ReasonPhrase(j.Status)...)
		},
	},
	{
		Name: "cause", Where: inResults,
		Doc: "Why a branch failed without a response: timeout or transport.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return append(dst, Cause(j)...)
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
