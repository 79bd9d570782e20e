package enum

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sipedge/sip/resolve"
	"sipedge/sip/resolve/resolvetest"
)

// zone has what numbers stand for, below e164.example.
const zone = `
; +4910: three, in another order than they come
$ORIGIN 0.1.9.4.e164.example.
@ NAPTR 20 10 "u" "E2U+sip" "!^.*$!sip:third@example.net!" .
@ NAPTR 10 20 "u" "E2U+sip" "!^\\+49(.*)$!sip:\\1@second.example.net!" .
@ NAPTR 10 10 "u" "E2U+SIP" "!^.*$!sip:first@example.net!" .

; +4911: leads on, has a rule that is none, one of another service, two that are equal
$ORIGIN 1.1.9.4.e164.example.
@ NAPTR 10 10 "u" "E2U+sip" "!((.{0,250}){0,250}){0,250}!sip:bad@example.net!" .
@ NAPTR 10 20 "" "" "" elsewhere.example.
@ NAPTR 10 30 "u" "E2U+mailto" "!^.*$!mailto:x@example.net!" .
@ NAPTR 10 40 "u" "E2U+voice:sip+video:sip" "!^.*$!sip:video@example.net!" .
@ NAPTR 10 50 "u" "E2U+sip" "!^.*$!sip:equal@example.net!" .
@ NAPTR 10 50 "u" "e2u+sip" "!^.*$!sip:equal@example.net!" .
@ NAPTR 10 60 "u" "sip+E2U" "!^.*$!sip:old@example.net!" .
elsewhere.example. NAPTR 1 1 "u" "E2U+sip" "!^\\+(.*)$!sip:\\1@elsewhere.example.net!" .

; +4912: a circle; +4913: an alias; +4914: another tree; +4915: its rule is none
2.1.9.4.e164.example. NAPTR 10 10 "" "" "" circle.example.
circle.example. NAPTR 10 10 "" "" "" 2.1.9.4.e164.example.
3.1.9.4.e164.example. CNAME 0.1.9.4.e164.example.
4.1.9.4.e164.example. DNAME 1.1.9.4.e164.example.
5.1.9.4.e164.example. NAPTR 10 10 "u" "E2U+sip" "!^\\+1!sip:no@example.net!" .

; infrastructure and ISN
0.2.i.9.4.e164.example. NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:carrier@example.net!" .
i.1.e164.example. TXT "4"
i.1.e164.example. TYPE65300 \# 19 04 03 692e6e 04 65313634 07 6578616d706c65 00
i.9.4.e164.example. TXT "many"
9.8.7.6.5.i.4.3.2.1.e164.example. NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:txt@example.net!" .
9.8.7.6.5.i.n.4.3.2.1.e164.example. NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:ebl@example.net!" .
4.3.2.1.256.freenum.example. NAPTR 10 10 "u" "E2U+sip" "!^(.*)\\*.*$!sip:\\1@isn.example.net!" .
`

// large is a number with more rules than a datagram takes.
func large() string {
	var b strings.Builder
	for i := range 20 {
		fmt.Fprintf(&b, "6.1.9.4.e164.example. NAPTR 10 %d \"u\" \"E2U+sip\" "+
			"\"!^.*$!sip:a-rather-long-name-of-a-user-%d@example.net!\" .\n", i, i)
	}
	return b.String()
}

func TestFind(t *testing.T) {
	r := resolve.New(resolve.Config{
		Hosts: os.DevNull, Servers: []netip.AddrPort{resolvetest.Named(t, zone+large())},
		Try: 5 * time.Second, Budget: 20 * time.Second,
	})
	dns := &DNS{Resolver: r, Budget: 20 * time.Second}
	for _, test := range []struct {
		name string
		q    Question
		want []string
	}{
		{"by order and preference", Question{Number: "+4910"}, []string{
			"0 sip:first@example.net", "1 sip:10@second.example.net", "2 sip:third@example.net"}},
		{"some lead on, some are none", Question{Number: "+4911"}, []string{
			"1 sip:4911@elsewhere.example.net", "4 sip:equal@example.net"}},
		{"another service", Question{Number: "+4911", Service: "video:sip"}, []string{
			"3 sip:video@example.net"}},
		{"RFC 2916, too", Question{Number: "+4911", Legacy: true}, []string{
			"1 sip:4911@elsewhere.example.net", "4 sip:equal@example.net", "5 sip:old@example.net"}},
		{"a circle", Question{Number: "+4912"}, nil},
		{"an alias", Question{Number: "+4913"}, []string{
			"0 sip:first@example.net", "1 sip:13@second.example.net", "2 sip:third@example.net"}},
		{"no rule that matches", Question{Number: "+4915"}, nil},
		{"no such number", Question{Number: "+4919"}, nil},
		{"no number", Question{Number: "alice"}, nil},
		{"infrastructure", Question{Number: "+4920", Variant: Infrastructure}, []string{
			"0 sip:carrier@example.net"}},
		{"the position by TXT", Question{Number: "+123456789", Variant: ByTXT}, []string{
			"0 sip:txt@example.net"}},
		{"the place by EBL", Question{Number: "+123456789", Variant: ByEBL}, []string{
			"0 sip:ebl@example.net"}},
		{"a number that ends before", Question{Number: "+123", Variant: ByTXT}, nil},
		{"a TXT record that is none", Question{Number: "+4920", Variant: ByTXT}, []string{
			"0 sip:carrier@example.net"}},
		{"no EBL record", Question{Number: "+4920", Variant: ByEBL}, []string{
			"0 sip:carrier@example.net"}},
		{"no number for EBL", Question{Number: "4920", Variant: ByEBL}, nil},
		{"an ISN", Question{Number: "1234*256", Variant: ISN, Suffix: "freenum.example"}, []string{
			"0 sip:1234@isn.example.net"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := test.q
			if q.Suffix == "" {
				q.Suffix = "e164.example"
			}
			if q.Service == "" {
				q.Service = "sip"
			}
			found, err := dns.Find(context.Background(), &q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range found {
				if one := fmt.Sprint(r.Rank, " ", r.URI); len(got) == 0 || got[len(got)-1] != one {
					got = append(got, one)
				}
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("want, got:\n%s", d)
			}
		})
	}
	found, err := dns.Find(context.Background(),
		&Question{Number: "+4916", Suffix: "e164.example", Service: "sip"})
	if err != nil || len(found) != 20 || r.Stats().Truncated.Load() == 0 {
		t.Errorf("a large answer: %d results, %d truncated, error %v", len(found),
			r.Stats().Truncated.Load(), err)
	}
	_, err = dns.Find(context.Background(),
		&Question{Number: "+4910", Suffix: "e164.org", Service: "sip"})
	if !errors.Is(err, resolve.ErrServers) {
		t.Errorf("a zone the server has not: error %v", err)
	}
}

// rules answers from memory, or blocks.
type rules map[string][]resolve.NAPTR

func (r rules) NAPTR(ctx context.Context, name string) ([]resolve.NAPTR, error) {
	list, ok := r[name]
	switch {
	case !ok:
		return nil, resolve.ErrNotFound
	case list == nil:
		<-ctx.Done()
		return nil, resolve.ErrBudget
	}
	return list, nil
}

func (r rules) Branch(context.Context, string, resolve.BranchRecord) (resolve.Branch, error) {
	return resolve.Branch{}, resolve.ErrBudget
}

func TestBounds(t *testing.T) {
	chain := rules{"2.1.x": {{Replacement: "n0"}}}
	for i := range 20 {
		chain[fmt.Sprint("n", i)] = []resolve.NAPTR{
			{Preference: 1, Flags: "u", Service: "E2U+sip", Regexp: "!.*!sip:x@h!"},
			{Preference: 2, Replacement: fmt.Sprint("n", i+1)},
		}
	}
	for i := range 100 {
		chain["3.1.x"] = append(chain["3.1.x"], resolve.NAPTR{Preference: uint16(i), Flags: "u",
			Service: "E2U+sip", Regexp: "!.*!sip:x@h!"})
	}
	chain["4.1.x"] = nil
	chain["5.1.x"] = []resolve.NAPTR{{Replacement: "4.1.x"},
		{Preference: 1, Flags: "u", Service: "E2U+sip", Regexp: "!.*!sip:x@h!"}}
	dns := &DNS{chain, 50 * time.Millisecond}
	for number, want := range map[string]int{"+12": maxNames, "+13": maxResults, "+14": 0, "+15": 1} {
		found, err := dns.Find(context.Background(),
			&Question{Number: number, Suffix: "x", Service: "sip"})
		if len(found) != want || (err != nil) != (number == "+14") {
			t.Errorf("%s: %d results, error %v, want %d", number, len(found), err, want)
		}
	}
	_, err := dns.Find(context.Background(),
		&Question{Number: "+12", Suffix: "x", Service: "sip", Variant: ByTXT})
	if !errors.Is(err, resolve.ErrBudget) {
		t.Errorf("nobody tells where the tree branches off: error %v, want ErrBudget", err)
	}
}
