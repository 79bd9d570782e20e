package memory

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/sip"
)

// layout is how a table of bindings is laid out: OpenSIPS's, that of its version 1.6, Kamailio's.
type layout struct {
	columns  []string // what of a binding stands in them: cell and set
	key      []string // tell a row from the others
	order    string   // of which no two rows have the same
	datetime bool     // expires is a point in time, not Unix seconds
}

var layouts = map[string]*layout{
	"opensips": {
		columns: []string{
			"contact_id", "username", "domain", "contact", "received", "path", "expires", "q", "callid",
			"cseq", "last_modified", "flags", "user_agent", "socket", "methods", "sip_instance", "attr",
		},
		key: []string{"contact_id"}, order: "contact_id",
	},
	"opensips_1.6": {
		columns: []string{
			"username", "domain", "contact", "received", "path", "expires", "q", "callid", "cseq",
			"last_modified", "flags", "user_agent", "socket", "methods",
		},
		key: []string{"username", "domain", "contact", "callid"}, order: "id", datetime: true,
	},
	"kamailio": {
		columns: []string{
			"ruid", "username", "domain", "contact", "received", "path", "expires", "q", "callid", "cseq",
			"last_modified", "flags", "user_agent", "socket", "methods", "instance", "reg_id",
		},
		// Not ruid: a row that Kamailio wrote has one of its own.
		key: []string{"username", "domain", "contact", "callid"}, order: "id", datetime: true,
	},
}

// row is a binding as a row.
func (l *layout) row(aor []byte, b *backends.Binding) []backends.Cell {
	row := make([]backends.Cell, len(l.columns))
	for i, c := range l.columns {
		row[i] = backends.Cell{Column: c, Value: l.cell(c, aor, b)}
	}
	return row
}

// where selects the row of a binding.
func (l *layout) where(aor []byte, b *backends.Binding) []backends.Where {
	w := make([]backends.Where, len(l.key))
	for i, c := range l.key {
		w[i] = backends.Where{Column: c, Op: backends.Equal, Value: l.cell(c, aor, b)}
	}
	return w
}

// sameKey reports whether two bindings of an address of record have one row.
func (l *layout) sameKey(aor []byte, a, b *backends.Binding) bool {
	for _, c := range l.key {
		if l.cell(c, aor, a) != l.cell(c, aor, b) {
			return false
		}
	}
	return true
}

// moment is a value of the column expires.
func (l *layout) moment(t time.Time) backends.Value {
	if l.datetime {
		return t.UTC().Truncate(time.Second)
	}
	return t.Unix()
}

func (l *layout) cell(column string, aor []byte, b *backends.Binding) backends.Value {
	user, domain := split(aor)
	switch column {
	case "contact_id":
		return int64(b.ID)
	case "ruid":
		return "sipedge-" + strconv.FormatUint(b.ID, 16)
	case "username":
		return string(user)
	case "domain":
		return string(domain)
	case "expires": // in full seconds, never before it does
		return l.moment(b.Expires.Add(time.Second - time.Millisecond))
	case "q":
		return float64(b.Q) / 1000
	case "cseq":
		return int64(b.CSeq)
	case "last_modified":
		return b.Modified.UTC().Truncate(time.Second)
	case "flags":
		return int64(b.Flags)
	case "methods":
		if b.Methods == 0 {
			return nil
		}
		return theirs(b.Methods)
	case "reg_id":
		return int64(b.RegID)
	}
	text := textOf(column, b)
	never := column == "contact" || column == "callid" || column == "user_agent"
	if len(*text) == 0 && !never {
		return nil
	}
	return string(*text)
}

// textOf is the text of a binding that a column has.
func textOf(column string, b *backends.Binding) *[]byte {
	switch column {
	case "contact":
		return &b.Contact
	case "received":
		return &b.Received
	case "path":
		return &b.Path
	case "callid":
		return &b.CallID
	case "user_agent":
		return &b.UserAgent
	case "socket":
		return &b.Listener
	case "attr":
		return &b.Attr
	}
	return &b.Instance // sip_instance or instance
}

// binding is a row as a binding and its address of record. ok false: it is none.
func (l *layout) binding(
	row backends.Row, userOnly bool,
) (aor []byte, b backends.Binding, ok bool) {
	var user, domain string
	for i, c := range l.columns {
		v := row[i]
		switch c {
		case "contact_id":
			b.ID = uint64(integer(v))
		case "ruid":
			b.ID, _ = strconv.ParseUint(strings.TrimPrefix(backends.Text(v), "sipedge-"), 16, 64)
		case "username":
			user = backends.Text(v)
		case "domain":
			domain = backends.Text(v)
		case "expires":
			b.Expires = backends.When(v)
		case "q":
			q, _ := strconv.ParseFloat(backends.Text(v), 64)
			if b.Q = int(math.Round(q * 1000)); b.Q < 0 || b.Q > 1000 {
				b.Q = 1000 // -1 is not given
			}
		case "cseq":
			b.CSeq = uint32(integer(v))
		case "last_modified":
			b.Modified = backends.When(v)
		case "flags":
			b.Flags = uint32(integer(v))
		case "methods":
			if v != nil {
				b.Methods = ours(integer(v))
			}
		case "reg_id":
			b.RegID = uint32(integer(v))
		default:
			*textOf(c, &b) = []byte(backends.Text(v))
		}
	}
	if domain != "" && !userOnly {
		user += "@" + domain
	}
	return []byte(user), b, user != "" && len(b.Contact) > 0 && !b.Expires.IsZero()
}

func integer(v backends.Value) int64 {
	n, _ := strconv.ParseInt(backends.Text(v), 10, 64)
	return n
}

// split takes an address of record apart.
func split(aor []byte) (user, domain []byte) {
	if i := bytes.LastIndexByte(aor, '@'); i >= 0 {
		return aor[:i], aor[i+1:]
	}
	return aor, nil
}

// methods are those that OpenSIPS and Kamailio have a bit for, from the lowest.
var methods = [...]sip.Method{
	sip.INVITE, sip.CANCEL, sip.ACK, sip.BYE, sip.INFO, sip.OPTIONS, sip.UPDATE, sip.REGISTER,
	sip.MESSAGE, sip.SUBSCRIBE, sip.NOTIFY, sip.PRACK, sip.REFER, sip.PUBLISH,
}

func theirs(mask uint32) (n int64) {
	for i, m := range methods {
		if mask&(1<<m) != 0 {
			n |= 1 << i
		}
	}
	return n
}

func ours(n int64) (mask uint32) {
	for i, m := range methods {
		if n&(1<<i) != 0 {
			mask |= 1 << m
		}
	}
	if n >= 1<<len(methods)-1 {
		return 0 // all
	}
	return mask
}
