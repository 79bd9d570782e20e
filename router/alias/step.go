package alias

import (
	"bytes"
	"context"
	"errors"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// Env is what the steps of this package are made of.
type Env struct {
	Proxy Proxy
	// Database finds a database of the policy; nil, or what it returns: there is none.
	Database func(name string) backends.DB
	Live     bool          // the step is to run: else it is looked at
	Args     *schema.Value // passed the Schema
	// Arm is a failure arm of the arguments, or what is done without, given false: an answer.
	Arm func(key string) (arm Arm, given bool)
}

// Arm is taken instead of the rest of a run.
type Arm func(ctx context.Context, j *job.Job, status int) job.Verdict

// Proxy is what steps need of the proxy core.
type Proxy interface {
	// Append adds a branch; false: there are as many as may be.
	Append(j *job.Job, t job.Target) bool
}

// asking is what every step has that asks a database.
type asking struct {
	onNone, onError Arm
}

// database finds the one that the arguments name; nil: the step will not run.
func (e *Env) database() (db backends.DB, a asking, diags schema.Diagnostics) {
	a.onNone, _ = e.Arm("on_none")
	a.onError, _ = e.Arm("on_error")
	if e.Database == nil && !e.Live {
		return nil, a, nil
	}
	name := e.Args.Get("backend")
	if e.Database != nil {
		db = e.Database(name.S)
	}
	if db == nil || db.Can()&backends.CanSelect == 0 {
		diags = schema.Diagnostics{name.Problem(schema.WrongBackend, "%q is no database", name.S)}
	}
	return db, a, diags
}

// Waits implements job.Waiter.
func (asking) Waits() bool { return true }

// answer takes the arm of an answer that is none, or of a failure.
func (a *asking) answer(ctx context.Context, j *job.Job, err error) job.Verdict {
	if errors.Is(err, backends.ErrNotFound) {
		return a.onNone(ctx, j, 404)
	}
	j.LastError, j.Err = 503, err
	return a.onError(ctx, j, 503)
}

// addressOf is the user and domain of a URI as they are looked up; ok false: it has no user, or
// one that nobody is called.
func addressOf(uri []byte) (a backends.Address, ok bool) {
	u, err := sip.ParseURI(uri)
	if err != nil {
		return a, false
	}
	var buf [backends.MaxUser + 1 + backends.MaxDomain]byte
	aor, ok := backends.Names{}.AppendAOR(buf[:0], &u)
	if !ok {
		return a, false
	}
	if u.Scheme == sip.Tel {
		return backends.Address{User: string(aor)}, true
	}
	at := bytes.LastIndexByte(aor, '@')
	if at <= 0 {
		return a, false
	}
	return backends.Address{User: string(aor[:at]), Domain: string(aor[at+1:])}, true
}

// usable reports whether a request can go to a URI.
func usable(uri []byte) bool {
	u, err := sip.ParseURI(uri)
	return err == nil && u.Scheme != sip.SchemeOther && len(u.Headers) == 0
}
