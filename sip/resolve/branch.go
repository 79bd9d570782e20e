package resolve

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Branch is where the tree of infrastructure ENUM leaves the one of users, RFC 5527 §4.
type Branch struct {
	Position  int    // behind so many digits of the number
	Separator string // by these labels; "" where the record does not say
	Apex      string // below this name; "" where the record does not say
}

// A BranchRecord is a type of record that tells of a Branch.
type BranchRecord uint16

const (
	// TXT has the position alone, in digits.
	TXT BranchRecord = BranchRecord(dns.TypeTXT)
	// EBL has all of it; its type is one for private use.
	EBL BranchRecord = 65300
)

// branchKey is what is asked for a Branch.
type branchKey struct {
	name string
	by   BranchRecord
}

// Branch looks up the Branch that a name has, as NAPTR does rules. A record that can't be read is
// none.
func (r *Resolver) Branch(ctx context.Context, name string, by BranchRecord) (Branch, error) {
	k := branchKey{strings.ToLower(name), by}
	return lookUp(ctx, r, &r.branches, k, func(ctx context.Context) (Branch, time.Duration, error) {
		rs := r.records(ctx, dns.Fqdn(k.name), uint16(by))
		for _, rr := range rs.list {
			if b, ok := branchOf(rr); ok {
				return b, rs.ttl, nil
			}
		}
		if rs.err == nil {
			rs.err = ErrNotFound
		}
		return Branch{}, rs.ttl, rs.err
	})
}

// branchOf reads a record of either type.
func branchOf(rr dns.RR) (b Branch, ok bool) {
	switch rr := rr.(type) {
	case *dns.TXT:
		n, err := strconv.ParseUint(strings.TrimSpace(unescape(strings.Join(rr.Txt, ""))), 10, 8)
		return Branch{Position: int(n)}, err == nil
	case *dns.RFC3597:
		return readEBL(rr.Rdata)
	}
	return b, false
}

// readEBL reads the data of an EBL record, in hexadecimal: a position of a byte, the separator as a
// character-string, the apex as a domain name without compression.
func readEBL(data string) (b Branch, ok bool) {
	raw, err := hex.DecodeString(data)
	if err != nil || len(raw) < 3 || int(raw[1]) > len(raw)-2 {
		return b, false
	}
	rest := 2 + int(raw[1])
	apex, end, err := dns.UnpackDomainName(raw, rest)
	if err != nil || end != len(raw) || apex == "." {
		return b, false
	}
	separator := strings.ToLower(string(raw[2:rest]))
	if _, name := dns.IsDomainName(separator); !name || separator == "" {
		return b, false
	}
	return Branch{int(raw[0]), separator, canonical(apex)}, true
}
