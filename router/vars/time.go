package vars

import (
	"strconv"
	"time"

	"sipedge/router/job"
	"sipedge/schema"
)

// timeFields are the time the run began, in UTC: what a policy writes does not
// depend on where its server stands.
var timeFields = []Field{
	clock("time.micro", "Microseconds since 1970 when the run began.",
		func(t time.Time) int64 { return t.UnixMicro() }),
	clock("time.year", "The year, in UTC.", func(t time.Time) int64 { return int64(t.Year()) }),
	clock("time.month", "The month, 1 to 12, in UTC.",
		func(t time.Time) int64 { return int64(t.Month()) }),
	clock("time.day", "The day of the month, in UTC.",
		func(t time.Time) int64 { return int64(t.Day()) }),
	clock("time.hour", "The hour, 0 to 23, in UTC.",
		func(t time.Time) int64 { return int64(t.Hour()) }),
	clock("time.minute", "The minute, in UTC.", func(t time.Time) int64 { return int64(t.Minute()) }),
	clock("time.second", "The second, in UTC.", func(t time.Time) int64 { return int64(t.Second()) }),
	layout("time.weekday", "The day of the week, in UTC: Mon, Tue, and so on.", "Mon"),
	layout("time.date", "The date, in UTC: 2026-11-23.", time.DateOnly),
	layout("time.text", "Date and time, in UTC, RFC 3339: 2026-11-23T18:30:00Z.", time.RFC3339),
}

func began(j *job.Job) time.Time {
	if j.Now.IsZero() {
		return time.Now().UTC()
	}
	return j.Now.UTC()
}

func clock(name, doc string, part func(time.Time) int64) Field {
	return Field{
		Name: name, Doc: doc, Where: schema.Anywhere,
		Int: func(j *job.Job) (int64, bool) { return part(began(j)), true },
	}
}

func layout(name, doc, form string) Field {
	return Field{
		Name: name, Doc: doc, Where: schema.Anywhere,
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return began(j).AppendFormat(dst, form)
		},
	}
}

// branchFields are the target set and the branches made of it.
var branchFields = []Field{
	{
		Name: "branch.index", Where: schema.InBranch,
		Doc: "The number of this branch among those of the transaction, from 0.",
		Int: func(j *job.Job) (int64, bool) { return int64(j.Branch), true },
	},
	{
		Name: "branches.count", Where: inTargets,
		Doc: "How many targets append_branch has added.",
		Int: func(j *job.Job) (int64, bool) { return int64(len(j.Targets)), true },
	},
	target("branches.uri", URI, "The URI of the first target append_branch has added, or "+
		"branches.uri[1] of the second, branches.uri[-1] of the last.",
		func(dst []byte, t *job.Target) []byte { return append(dst, t.URI...) }),
	target("branches.to", URI, "The next hop of a target append_branch has added, as branches.uri.",
		func(dst []byte, t *job.Target) []byte { return append(dst, t.NextHop...) }),
	target("branches.q", String, "The q of a target append_branch has added, as branches.uri.",
		func(dst []byte, t *job.Target) []byte {
			return strconv.AppendFloat(dst, float64(t.Q)/1000, 'g', -1, 64)
		}),
}

// inTargets is where there is a target set.
const inTargets = schema.InRequest | schema.InFailure

func target(name string, typ Type, doc string, part func([]byte, *job.Target) []byte) Field {
	at := func(dst []byte, j *job.Job, _ string, n int) []byte {
		if n < 0 {
			n += len(j.Targets)
		}
		if n < 0 || n >= len(j.Targets) {
			return dst
		}
		return part(dst, &j.Targets[n])
	}
	return Field{
		Name: name, Type: typ, Doc: doc, Where: inTargets, At: at,
		Append: func(dst []byte, j *job.Job, arg string) []byte { return at(dst, j, arg, 0) },
	}
}
