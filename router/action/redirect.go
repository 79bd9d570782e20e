package action

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/schema"
)

var errNowhere = errors.New("the target set holds nothing to redirect to")

var redirectKind = Kind{
	Kind: schema.Kind{
		Name: "redirect",
		Doc: "Answers 302, or another 3xx, with a Contact for each member of the target set, the " +
			"most preferred first, RFC 3261 §8.3. A Request-URI as received is left out: it " +
			"would lead back here. `to` is given instead of the target set.",
		Schema: `{
	// The only Contact.
	to?: #Text
	// The status code, 302 unless set.
	code?: 300 | 301 | 302 | 305 | 380
}`,
		Where:  schema.InRequest | schema.InFailure,
		Ending: schema.Ends,
	},
	New: build(func(d *decoder) job.Step {
		s := &redirect{proxy: d.Proxy, code: 302}
		if n := d.args.Get("code").N; n != 0 {
			s.code = int(n)
		}
		s.to, s.only = d.uri(d.args.Get("to"))
		return s
	}),
}

type redirect struct {
	proxy *proxy.Proxy
	to    text
	only  bool // to is given
	code  int
}

func (s *redirect) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	b := scratches.Get().(*scratch)
	defer scratches.Put(b)
	b.b = b.b[:0]
	if s.only {
		to := s.to.expand(j)
		if !s.to.literal() && !edit.IsRequestURI(to) {
			return job.Next, edit.ErrURI
		}
		b.b = append(append(append(b.b, "Contact: <"...), to...), ">\r\n"...)
	} else {
		b.b = appendContacts(b.b, j)
	}
	if len(b.b) == 0 {
		return job.Next, errNowhere
	}
	return s.proxy.Reply(j, s.code, "", b.b, false), nil
}

// appendContacts appends the target set as Contact lines, the highest q first.
func appendContacts(dst []byte, j *job.Job) []byte {
	set := make([]job.Target, 0, 1+len(j.Targets))
	if own := j.Msg.RURI(); !bytes.Equal(own, j.Received) {
		set = append(set, job.Target{URI: own, Q: 1000})
	}
	set = append(set, j.Targets...)
	slices.SortStableFunc(set, func(a, b job.Target) int { return b.Q - a.Q })
	for i := range set {
		dst = append(append(append(dst, "Contact: <"...), set[i].URI...), '>')
		if q := set[i].Q; q < 1000 {
			dst = append(dst, ";q=0."...)
			dst = append(dst, '0'+byte(q/100), '0'+byte(q/10%10), '0'+byte(q%10))
			dst = bytes.TrimRight(dst, "0")
			dst = bytes.TrimSuffix(dst, []byte("."))
		}
		dst = append(dst, "\r\n"...)
	}
	return dst
}
