package registrar

import (
	"context"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// Registered is the matcher for who has a binding.
var Registered = schema.Field{
	Name:  "registered",
	Where: schema.InRequest | schema.InBranch | schema.InFailure | schema.InReply,
	Doc: "Whether an address of record has a binding, or one that came from where the message " +
		"came from.",
	Schema: `{
	// The location store.
	location!: #BackendName
	// Whose: that of the Request-URI, unless set, of From or of To.
	of?: "ruri" | "from" | "to"
	// Whether one of the bindings must have come from the source address of the message.
	source?: bool
	// Whether there must be one, true unless set. Neither holds while the store can't answer.
	is?: bool
}`,
}

// CompileRegistered makes the condition of a checked value, and says whether it may wait. locations
// is action.Env's.
func CompileRegistered(
	v *schema.Value, where schema.Place, locations func(name string) backends.Locations,
) (holds func(*job.Job) bool, waits bool, diags schema.Diagnostics) {
	if locations == nil {
		return func(*job.Job) bool { return false }, false, nil
	}
	name := v.Get("location")
	store := locations(name.S)
	switch {
	case store == nil:
		return nil, false, schema.Diagnostics{
			name.Problem(schema.WrongBackend, "%q is no location store", name.S),
		}
	case store.Traits().LookupWaits && where&(schema.InReply|schema.InBranch) != 0:
		return nil, false, schema.Diagnostics{name.Problem(schema.WrongBackend,
			"a reply or branch route can't wait for the location store %q", name.S)}
	}
	want := !v.Has("is") || v.Get("is").B
	of, source, names := v.Get("of").S, v.Get("source").B, store.Traits().Names
	return func(j *job.Job) bool {
		var buf [maxAOR]byte
		u, ok := whose(j, of)
		if !ok {
			return !want
		}
		aor, ok := names.AppendAOR(buf[:0], &u)
		if !ok {
			return !want
		}
		set := getSet()
		defer putSet(set)
		if store.Lookup(context.Background(), aor, now(j), set) != nil {
			return false // nobody knows
		}
		return (len(set.Bindings) > 0 && (!source || cameFrom(j, set.Bindings))) == want
	}, store.Traits().LookupWaits, nil
}

// whose is the URI of a role.
func whose(j *job.Job, of string) (u sip.URI, ok bool) {
	get := j.Msg.From
	switch of {
	case "to":
		get = j.Msg.To
	case "from":
	default:
		r, ok := j.Msg.RequestURI()
		return *r, ok
	}
	a, ok := get()
	if !ok {
		return u, false
	}
	u, err := sip.ParseURI(a.URI)
	return u, err == nil
}

// cameFrom reports whether one of the bindings is of the address that the message came from.
func cameFrom(j *job.Job, list []backends.Binding) bool {
	from := j.Flow.Remote.Addr().Unmap()
	for i := range list {
		uri := list[i].Received
		if len(uri) == 0 {
			uri = list[i].Contact
		}
		u, err := sip.ParseURI(uri)
		if a, ok := u.Addr(); err == nil && ok && a.Unmap() == from {
			return true
		}
	}
	return false
}
