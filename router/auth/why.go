package auth

import (
	"strconv"
	"sync/atomic"

	"sipedge/router/job"
)

// Why a request is challenged or refused: for traces and the log, never for who sent it.
const (
	noCredentials = "no credentials"
	otherScheme   = "credentials of another scheme than Digest"
	malformed     = "credentials that can't be read"
	badNonce      = "a nonce that is none of ours"
	staleNonce    = "a nonce that is too old"
	otherURI      = "credentials for another URI than the Request-URI"
	notOffered    = "credentials by an algorithm or a qop that was not offered"
	replayed      = "a nonce count that was used"
	unknownUser   = "an unknown user"
	wrongResponse = "a wrong response: another password"
	tooMany       = "too many tries"
	impostor      = "who says to be another than he is"
	unavailable   = "users can't be asked"
)

// badRequest is what is wrong with credentials that don't fit what was asked for.
func badRequest(offered bool) string {
	if offered {
		return otherURI
	}
	return notOffered
}

// refuse counts what is wrong with credentials, and tells the trace. user is who they name; nil:
// he is not told of.
func (c *Check) refuse(j *job.Job, count *atomic.Uint64, why string, user []byte) {
	count.Add(1)
	c.explain(j, why, "user", user)
}

// longest is how much of a name is told, in bytes.
const longest = 64

// explain tells the trace why, with a value that is nobody's secret.
func (c *Check) explain(j *job.Job, why, name string, value []byte) {
	if !j.Trace.Fits() {
		return
	}
	if value != nil {
		why += ", " + name + " " + strconv.Quote(string(value[:min(len(value), longest)]))
	}
	j.Trace.Refused(j.Now, why)
}
