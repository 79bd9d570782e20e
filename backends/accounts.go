package backends

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"sipedge/schema"
)

// SubscriberTable says in which table and columns subscribers are. A column without a name is
// not there.
type SubscriberTable struct {
	Table                             string
	User, Domain, Password, HA1, HA1b string
	SHA256, SHA512256                 string
	Extra                             []string // columns for call attributes
}

// subscriberLayouts are how others have the table, the newest first: OpenSIPS, then Kamailio and
// OpenSIPS 1.6.
var subscriberLayouts = []SubscriberTable{
	{"subscriber", "username", "domain", "password", "ha1", "", "ha1_sha256", "ha1_sha512t256", nil},
	{"subscriber", "username", "domain", "password", "ha1", "ha1b", "", "", nil},
}

// SubscriberCUE are the settings that SubscribersOf reads, a struct.
const SubscriberCUE = `{
	// The table or view: subscriber.
	table?: =~"."
	// Names of columns, where they are others than OpenSIPS's or Kamailio's. An empty name: there
	// is none.
	columns?: {
		username?: =~"."
		domain?: string
		password?: string
		ha1?: string
		ha1b?: string
		ha1_sha256?: string
		ha1_sha512t256?: string
	}
}`

// SubscribersOf are those in a table of db. Settings are of SubscriberCUE, or none. Of columns
// that settings don't name, those of OpenSIPS are looked for, then those of Kamailio and OpenSIPS
// 1.6. These columns are asked for besides.
func SubscribersOf(db DB, settings *schema.Value, columns ...string) Subscribers {
	s := &subscribers{db: db}
	for _, l := range subscriberLayouts {
		if v := settings.Get("table"); v.Kind == schema.String {
			l.Table = v.S
		}
		names := settings.Get("columns")
		for _, c := range []struct {
			key  string
			name *string
		}{
			{"username", &l.User}, {"domain", &l.Domain}, {"password", &l.Password},
			{"ha1", &l.HA1}, {"ha1b", &l.HA1b}, {"ha1_sha256", &l.SHA256},
			{"ha1_sha512t256", &l.SHA512256},
		} {
			if v := names.Get(c.key); v.Kind == schema.String {
				*c.name = v.S
			}
		}
		l.Extra = columns
		s.layouts = append(s.layouts, l)
	}
	return s
}

type subscribers struct {
	db      DB
	layouts []SubscriberTable
	fits    atomic.Int32 // 1 + the layout that was answered; 0: none yet
}

func (s *subscribers) Credential(ctx context.Context, user, domain, _ string) (*Credential, error) {
	if n := s.fits.Load(); n > 0 {
		return s.layouts[n-1].credential(ctx, s.db, user, domain)
	}
	var first error
	for i := range s.layouts {
		c, err := s.layouts[i].credential(ctx, s.db, user, domain)
		if !errors.Is(err, ErrRefused) {
			if err == nil || errors.Is(err, ErrNotFound) {
				s.fits.Store(int32(i + 1))
			}
			return c, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (l *SubscriberTable) credential(ctx context.Context, db DB, user, domain string) (
	*Credential, error) {
	c := &Credential{}
	q := Select{Table: l.Table, Columns: []string{l.User}, Limit: 2,
		Where: []Where{{l.User, Equal, user}}}
	if domain != "" && l.Domain != "" {
		q.Where = append(q.Where, Where{l.Domain, Equal, domain})
	}
	var to []*string
	for _, f := range []struct {
		column string
		to     *string
	}{
		{l.Password, &c.Password}, {l.HA1, &c.HA1}, {l.HA1b, &c.HA1b},
		{l.SHA256, &c.SHA256}, {l.SHA512256, &c.SHA512256},
	} {
		if f.column != "" {
			q.Columns, to = append(q.Columns, f.column), append(to, f.to)
		}
	}
	q.Columns = append(q.Columns, l.Extra...)
	rows, err := db.Select(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("subscriber: %w", err)
	}
	// A database may find BOB for bob, and "bob " too.
	exact := rows[:0]
	for _, r := range rows {
		if Text(r[0]) == user {
			exact = append(exact, r)
		}
	}
	switch len(exact) {
	case 0:
		return nil, fmt.Errorf("subscriber: %w", ErrNotFound)
	case 1:
	default:
		return nil, errSeveral
	}
	row := exact[0][1:]
	for i, t := range to {
		*t = Text(row[i])
	}
	for i, name := range l.Extra {
		c.Extra = append(c.Extra, Cell{name, row[len(to)+i]})
	}
	return c, nil
}

var errSeveral = fmt.Errorf(
	"%w: several subscribers of this name: the domain must tell them apart", ErrRefused)

// Address is a user at a domain.
type Address struct{ User, Domain string }

// Aliases are other names of users.
type Aliases interface {
	// Alias returns whom an alias stands for. domain is empty unless aliases are told apart by
	// it. ErrNotFound: it is no alias.
	Alias(ctx context.Context, user, domain string) ([]Address, error)
}

// AliasesOf are those in a table of db with the columns of dbaliases; table empty: dbaliases.
func AliasesOf(db DB, table string) Aliases { return aliases{db, or(table, "dbaliases")} }

type aliases struct {
	db    DB
	table string
}

func (a aliases) Alias(ctx context.Context, user, domain string) ([]Address, error) {
	q := Select{Table: a.table, Columns: []string{"username", "domain"},
		Where: []Where{{"alias_username", Equal, user}}}
	if domain != "" {
		q.Where = append(q.Where, Where{"alias_domain", Equal, domain})
	}
	rows, err := a.db.Select(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("alias: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("alias: %w", ErrNotFound)
	}
	out := make([]Address, len(rows))
	for i, r := range rows {
		out[i] = Address{Text(r[0]), Text(r[1])}
	}
	return out, nil
}

// SpeedDials are short numbers, each user's own.
type SpeedDials interface {
	// SpeedDial returns the URI that owner has behind what he dialled. Domains are empty unless
	// they tell apart. ErrNotFound: nothing.
	SpeedDial(ctx context.Context, owner, dialled Address) (uri string, err error)
}

// SpeedDialsOf are those in a table of db with the columns of speed_dial; table empty: speed_dial.
func SpeedDialsOf(db DB, table string) SpeedDials { return speedDials{db, or(table, "speed_dial")} }

type speedDials struct {
	db    DB
	table string
}

func (s speedDials) SpeedDial(ctx context.Context, owner, dialled Address) (string, error) {
	q := Select{Table: s.table, Columns: []string{"new_uri"}, Limit: 1,
		Where: []Where{{"username", Equal, owner.User}, {"sd_username", Equal, dialled.User}}}
	if owner.Domain != "" {
		q.Where = append(q.Where, Where{"domain", Equal, owner.Domain})
	}
	if dialled.Domain != "" {
		q.Where = append(q.Where, Where{"sd_domain", Equal, dialled.Domain})
	}
	rows, err := s.db.Select(ctx, q)
	if err != nil {
		return "", fmt.Errorf("speed dial: %w", err)
	}
	if len(rows) == 0 || Text(rows[0][0]) == "" {
		return "", fmt.Errorf("speed dial: %w", ErrNotFound)
	}
	return Text(rows[0][0]), nil
}

// Identities are what else users may be called.
type Identities interface {
	// May reports whether a user of a domain may be called other. domain is empty unless users are
	// told apart by it.
	May(ctx context.Context, user, domain, other string) (bool, error)
}

// IdentitiesOf are those in a table of db with the columns of uri; table empty: uri.
func IdentitiesOf(db DB, table string) Identities { return identities{db, or(table, "uri")} }

type identities struct {
	db    DB
	table string
}

func (i identities) May(ctx context.Context, user, domain, other string) (bool, error) {
	q := Select{Table: i.table, Columns: []string{"username", "uri_user"},
		Where: []Where{{"username", Equal, user}, {"uri_user", Equal, other}}}
	if domain != "" {
		q.Where = append(q.Where, Where{"domain", Equal, domain})
	}
	rows, err := i.db.Select(ctx, q)
	if err != nil {
		return false, fmt.Errorf("uri: %w", err)
	}
	// A database may find BOB for bob.
	return slices.ContainsFunc(rows, func(r Row) bool {
		return Text(r[0]) == user && Text(r[1]) == other
	}), nil
}

// Domain is one that is served.
type Domain struct {
	Name       string
	Attributes string
	Subdomains bool // what ends in .Name is served too
}

// Domains are those that are served.
type Domains interface {
	// Domains returns all of them.
	Domains(ctx context.Context) ([]Domain, error)
}

// DomainsOf are those in a table of db with the columns of domain, OpenSIPS's or Kamailio's; table
// empty: domain.
func DomainsOf(db DB, table string) Domains { return domains{db, or(table, "domain")} }

type domains struct {
	db    DB
	table string
}

func (d domains) Domains(ctx context.Context) ([]Domain, error) {
	q := Select{Table: d.table, Columns: []string{"domain", "attrs", "accept_subdomain"}}
	rows, err := d.db.Select(ctx, q)
	if errors.Is(err, ErrRefused) { // Kamailio has neither
		q.Columns = q.Columns[:1]
		if plain, second := d.db.Select(ctx, q); second == nil {
			rows, err = plain, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("domains: %w", err)
	}
	out := make([]Domain, len(rows))
	for i, r := range rows {
		out[i].Name = Text(r[0])
		if len(r) > 1 {
			out[i].Attributes, out[i].Subdomains = Text(r[1]), r[2] != nil && Text(r[2]) != "0"
		}
	}
	return out, nil
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
