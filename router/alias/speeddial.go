package alias

import (
	"context"
	"fmt"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/schema"
)

// SpeedDial is the action speed_dial.
var SpeedDial = schema.Kind{
	Name: "speed_dial",
	Doc: "Makes what a user has behind a short number the Request-URI: a row of the table " +
		"speed_dial with his name and the user of the Request-URI. When there is none the arm runs; " +
		"without it the request is answered 404. Users may have written the rows: it leads where " +
		"they like, so whose they are should have been proved.",
	Schema: `{
	// The database.
	backend!: #BackendName
	// The table, speed_dial unless set.
	table?: #SQLTable
	// Whose numbers: of the user of From, unless set, or of who authenticated.
	owner?: "from" | "auth"
	// What domains tell apart: owners, unless set, owners and numbers (both), or nothing.
	use_domain?: "owner" | "both" | "none"
	// The sub-route taken when there is no such number.
	on_none?: #Name
	// The sub-route taken when the database can't answer; 503 unless set.
	on_error?: #Name
}`,
	Where:  schema.InRequest | schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none", "on_error"},
	Asks:   true,
}

type speedDial struct {
	asking
	dials              backends.SpeedDials
	auth               bool // of who authenticated
	useOwner, useDials bool // the domain counts
}

// NewSpeedDial makes a step of SpeedDial.
func NewSpeedDial(e *Env) (job.Step, schema.Diagnostics) {
	db, a, diags := e.database()
	use := e.Args.Get("use_domain").S
	return &speedDial{
		asking: a, dials: backends.SpeedDialsOf(db, e.Args.Get("table").S),
		auth: e.Args.Get("owner").S == "auth", useOwner: use != "none", useDials: use == "both",
	}, diags
}

func (s *speedDial) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if !j.MayWait {
		return job.Wait, nil
	}
	owner, known := s.owner(j)
	dialled, ok := addressOf(j.Msg.RURI())
	if !known || !ok {
		return s.onNone(ctx, j, 404), nil
	}
	if !s.useOwner {
		owner.Domain = ""
	}
	if !s.useDials {
		dialled.Domain = ""
	}
	uri, err := s.dials.SpeedDial(ctx, owner, dialled)
	if err != nil {
		return s.answer(ctx, j, err), nil
	}
	if !usable([]byte(uri)) {
		return job.Next, fmt.Errorf("speed dial %s of %s: %q is not a URI a request can go to",
			dialled.User, owner.User, uri)
	}
	j.Msg.SetRURI([]byte(uri))
	return job.Next, nil
}

// owner is whose numbers count; known false: nobody's.
func (s *speedDial) owner(j *job.Job) (a backends.Address, known bool) {
	if s.auth {
		a = backends.Address{User: string(j.Auth.User()), Domain: string(j.Auth.Realm())}
		return a, a.User != ""
	}
	from, ok := j.Msg.From()
	if !ok {
		return a, false
	}
	return addressOf(from.URI)
}
