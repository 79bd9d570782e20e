package resolve

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// NAPTR is a rule of RFC 3403 §4.
type NAPTR struct {
	Order, Preference uint16
	Flags             string // lower case
	Service           string // as it came
	Regexp            string // the bytes of the record
	Replacement       string // a name in lower case without the last dot; "" none
}

// NAPTR looks up the rules of a name, by order and preference, as Lookup does places: cached,
// within the budget. Don't change what it returns.
func (r *Resolver) NAPTR(ctx context.Context, name string) ([]NAPTR, error) {
	name = strings.ToLower(name)
	if _, ok := dns.IsDomainName(name); !ok || name == "" || len(name) > maxName+1 {
		return nil, ErrNotFound
	}
	return lookUp(ctx, r, &r.rules, name, func(ctx context.Context) ([]NAPTR, time.Duration, error) {
		rs := r.records(ctx, dns.Fqdn(name), dns.TypeNAPTR)
		return naptrs(rs.list), rs.ttl, rs.err
	})
}

func naptrs(list []dns.RR) (out []NAPTR) {
	for _, rr := range list {
		n := rr.(*dns.NAPTR)
		out = append(out, NAPTR{
			Order: n.Order, Preference: n.Preference,
			Flags: strings.ToLower(unescape(n.Flags)), Service: unescape(n.Service),
			Regexp: unescape(n.Regexp), Replacement: canonical(n.Replacement),
		})
	}
	slices.SortStableFunc(out, func(a, b NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	return out
}

// leads reports whether a rule of RFC 3263 §4.1 names SRV records or a host.
func (n *NAPTR) leads() bool {
	return n.Regexp == "" && n.Replacement != "" && (n.Flags == "s" || n.Flags == "a")
}

// canonical is a name in lower case without the last dot.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// unescape returns the bytes of a character-string, which the library keeps as master files
// write it: \DDD and \X, RFC 1035 §5.1.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		if n, ok := decimal(s[i+1:]); ok {
			b = append(b, n)
			i += 3
			continue
		}
		i++
		b = append(b, s[i])
	}
	return string(b)
}

// decimal reads three digits.
func decimal(s string) (b byte, ok bool) {
	if len(s) < 3 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s[:3]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return byte(n), n < 256
}
