package action

import (
	"context"
	"unsafe"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/schema"
)

var replyKind = Kind{
	Kind: schema.Kind{
		Name: "reply",
		Doc: "Answers the request. A final answer ends the run; a 1xx, sent for an INVITE alone, " +
			"continues it. Without " +
			"a transaction a final answer needs none: its To tag absorbs the ACK. `stateful: true`, " +
			"or a 1xx, makes one. An ACK is never answered, nor is what lacks the header fields a " +
			"reply is made of; an error route answers without a transaction, a 1xx not at all.",
		Schema: `{
	// The status code.
	code!: #Status
	// The reason phrase; the RFC's own unless set.
	reason?: #Text
	// Header fields to add, by name.
	headers?: {[#HeaderName]: #Text}
	// Whether to make a transaction for it.
	stateful?: bool
}`,
		Where:    schema.InRequest | schema.InFailure | schema.InError,
		Ending:   schema.EndsByArgs,
		EndsWhen: func(args *schema.Value) bool { return args.Get("code").N >= 200 },
	},
	New: build(func(d *decoder) job.Step {
		s := &reply{proxy: d.Proxy, code: int(d.args.Get("code").N)}
		s.reason, _ = d.text(d.args.Get("reason"))
		s.stateful = d.args.Get("stateful").B
		s.headers = d.lines(d.args.Get("headers"))
		return s
	}),
}

type reply struct {
	proxy    *proxy.Proxy
	code     int
	reason   text
	headers  []field
	stateful bool
}

func (s *reply) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if s.reason.literal() && len(s.headers) == 0 {
		return s.proxy.Reply(j, s.code, view(s.reason.lit), nil, s.stateful), nil
	}
	b := scratches.Get().(*scratch)
	defer scratches.Put(b)
	b.b = edit.AppendLine(b.b[:0], s.reason.expand(j))
	end := len(b.b)
	for i := range s.headers {
		b.b = s.headers[i].appendLine(b.b, j)
	}
	return s.proxy.Reply(j, s.code, view(b.b[:end]), b.b[end:], s.stateful), nil
}

// view is b as a string for a call that keeps neither.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

var replyErrorKind = Kind{
	Kind: schema.Kind{
		Name: "reply_error",
		Doc: "Answers with the status of the last internal error, such as the one that led into " +
			"an `on_error` arm; 500 when there was none.",
		Schema: `{}`,
		Where:  schema.InRequest | schema.InFailure,
		Ending: schema.Ends,
	},
	New: build(func(d *decoder) job.Step { return &replyError{d.Proxy} }),
}

type replyError struct{ proxy *proxy.Proxy }

func (s *replyError) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	status := j.LastError
	if status == 0 {
		status = 500
	}
	return s.proxy.Reply(j, status, "", nil, false), nil
}
