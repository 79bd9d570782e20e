package mi

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/sip"
)

// ofLocation are the methods of usrloc.
var ofLocation = []Method{
	{Name: "ul_dump", Help: "All bindings; brief 1: only the addresses of record. At most 10000 of " +
		"these: `sipedge ctl location list` has more.",
		Params: []string{"brief"}, do: dump},
	{Name: "ul_show_contact", Help: "The bindings of an address of record.",
		Params: []string{"table_name", "aor"}, Need: 2, do: showContact},
	{Name: "ul_rm", Help: "Removes the bindings of an address of record.",
		Params: []string{"table_name", "aor"}, Need: 2, do: removeContact},
	{Name: "ul_rm_contact", Help: "Removes a binding.",
		Params: []string{"table_name", "aor", "contact"}, Need: 3, do: removeContact},
	{Name: "ul_add", Help: "Adds a binding. flags and cflags are 0; methods is not kept, since what " +
		"an operator adds allows any.",
		Params: []string{"table_name", "aor", "contact", "expires", "q", "flags", "cflags", "methods"},
		Need:   4, do: addContact},
}

// domain is what OpenSIPS calls a location store.
type domain struct {
	Name string   `json:"name"`
	AORs []record `json:"AORs"`
}

// record is an address of record.
type record struct {
	AOR      string     `json:"AOR"`
	Contacts *[]contact `json:"Contacts,omitempty"` // nil: in brief
}

type contact struct {
	Contact   string `json:"Contact"`
	ID        string `json:"ContactID"`
	Expires   int64  `json:"Expires"`
	Q         string `json:"Q"`
	CallID    string `json:"Callid"`
	CSeq      uint32 `json:"Cseq"`
	UserAgent string `json:"User-agent,omitempty"`
	Received  string `json:"Received,omitempty"`
	Path      string `json:"Path,omitempty"`
	Flags     uint32 `json:"Flags"`
	CFlags    string `json:"Cflags"`
	Socket    string `json:"Socket,omitempty"`
	Methods   uint32 `json:"Methods"`
	Attr      string `json:"Attr,omitempty"`
	Instance  string `json:"SIP_instance,omitempty"`
}

// mostDumped bounds what ul_dump has in memory at once, in addresses of record.
const mostDumped = 10_000

func dump(ctx context.Context, to *control.Client, p params) (any, error) {
	names, err := stores(ctx, to)
	if err != nil {
		return nil, err
	}
	all, left := []domain{}, mostDumped
	for _, name := range names {
		d := domain{Name: name, AORs: []record{}}
		q := url.Values{"location": {name}, "limit": {strconv.Itoa(left + 1)}}
		err := to.Stream(ctx, "bindings", q, func(line []byte) error {
			if left--; left < 0 {
				return &control.Error{Status: 413,
					Detail: "there are more than 10000: `sipedge ctl location list` has them"}
			}
			var b control.Bound
			if err := json.Unmarshal(line, &b); err != nil {
				return err
			}
			d.AORs = append(d.AORs, recordOf(&b, p["brief"] == "1"))
			return nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return struct {
		Domains []domain `json:"Domains"`
	}{all}, nil
}

func showContact(ctx context.Context, to *control.Client, p params) (any, error) {
	q, err := addressed(ctx, to, p)
	if err != nil {
		return nil, err
	}
	var b control.Bound
	if err := to.Do(ctx, "binding", q, nil, &b); err != nil {
		return nil, err
	}
	return recordOf(&b, false), nil
}

func removeContact(ctx context.Context, to *control.Client, p params) (any, error) {
	q, err := addressed(ctx, to, p)
	if err != nil {
		return nil, err
	}
	if c := p["contact"]; c != "" {
		q.Set("contact", c)
	}
	return done, to.Do(ctx, "remove_binding", q, nil, new(control.Removed))
}

func addContact(ctx context.Context, to *control.Client, p params) (any, error) {
	a := control.Addition{Contact: p["contact"]}
	var err error
	if a.Expires, err = strconv.ParseFloat(p["expires"], 64); err != nil || !(a.Expires >= 1) {
		return nil, bad("expires is a number of seconds from 1: no binding is for ever")
	}
	if text := p["q"]; text != "" {
		q, err := strconv.ParseFloat(text, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return nil, bad("q is a number from 0 to 1")
		}
		a.Q = &q
	}
	for _, name := range []string{"flags", "cflags"} {
		if p[name] != "" && p[name] != "0" {
			return nil, bad("%s is 0: flags are the policy's", name)
		}
	}
	q, err := addressed(ctx, to, p)
	if err != nil {
		return nil, err
	}
	return done, to.Do(ctx, "add_binding", q, a, new(control.Bound))
}

// addressed is the location store and the address of record of a call. OpenSIPS's own name for a
// store, location, stands for the only one when none is called so.
func addressed(ctx context.Context, to *control.Client, p params) (url.Values, error) {
	q := url.Values{"location": {p["table_name"]}, "aor": {p["aor"]}}
	if p["table_name"] != "location" {
		return q, nil
	}
	names, err := stores(ctx, to)
	if len(names) == 1 {
		q["location"] = names
	}
	return q, err
}

// stores are the names of the location stores.
func stores(ctx context.Context, to *control.Client) (names []string, err error) {
	var all control.Backends
	if err := to.Do(ctx, "backends", nil, nil, &all); err != nil {
		return nil, err
	}
	for _, b := range all.Backends {
		if b.Location {
			names = append(names, b.Name)
		}
	}
	return names, nil
}

func recordOf(b *control.Bound, brief bool) record {
	r := record{AOR: b.AOR}
	if brief {
		return r
	}
	list := make([]contact, len(b.Bindings))
	for i := range b.Bindings {
		list[i] = contactOf(&b.Bindings[i])
	}
	r.Contacts = &list
	return r
}

func contactOf(b *control.Binding) contact {
	c := contact{
		Contact: b.Contact, ID: b.ID, Expires: int64(b.Left),
		Q: strconv.FormatFloat(b.Q, 'f', -1, 64), CallID: b.CallID, CSeq: b.CSeq,
		UserAgent: b.UserAgent, Received: b.Received, Path: b.Path, Flags: b.Flags,
		Socket: b.Listener, Attr: b.Attr, Instance: b.Instance,
	}
	for bit, m := range methodBits {
		if slices.Contains(b.Methods, m.String()) {
			c.Methods |= 1 << bit
		}
	}
	if len(b.Methods) == 0 {
		c.Methods = 1<<32 - 1 // not told: any
	}
	return c
}

// methodBits are the methods of the bits of Methods, the lowest first, as OpenSIPS numbers them.
var methodBits = []sip.Method{
	sip.INVITE, sip.CANCEL, sip.ACK, sip.BYE, sip.INFO, sip.OPTIONS, sip.UPDATE, sip.REGISTER,
	sip.MESSAGE, sip.SUBSCRIBE, sip.NOTIFY, sip.PRACK, sip.REFER, sip.PUBLISH,
}
