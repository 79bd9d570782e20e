package enum

import (
	"slices"
	"strings"

	"sipedge/sip/resolve"
)

// Variant is how a number becomes a name.
type Variant uint8

const (
	User           Variant = iota // RFC 6116 §3.2
	Infrastructure                // RFC 5067, the label i behind the country code
	ISN                           // subscriber*domain, of freenum.org
	ByTXT                         // Infrastructure, behind as many digits as a TXT record says
	ByEBL                         // Infrastructure, where an EBL record says, RFC 5527 §4
)

// name is where the rules of a number are, below suffix. ok false: it is no number of the variant.
func (v Variant) name(number, suffix string) (name string, ok bool) {
	if v == ISN {
		subscriber, domain, _ := strings.Cut(number, "*")
		if !digits(subscriber, 1, 15) || !digits(domain, 1, 10) {
			return "", false
		}
		return reversed(subscriber) + domain + "." + suffix, true
	}
	number, plus := strings.CutPrefix(number, "+")
	if !plus || !digits(number, 2, 15) {
		return "", false
	}
	if v == User {
		return reversed(number) + suffix, true
	}
	return branched(number, behindCountry(number, suffix)), true
}

// behindCountry is where the infrastructure tree branches off, unless a record says otherwise.
func behindCountry(number, suffix string) resolve.Branch {
	return resolve.Branch{
		Position: min(countryCode(number), len(number)), Separator: "i", Apex: suffix,
	}
}

// branched is where the rules of a number without its + are, behind a branch.
func branched(number string, at resolve.Branch) string {
	n := min(at.Position, len(number))
	return reversed(number[n:]) + at.Separator + "." + reversed(number[:n]) + at.Apex
}

// records are those that tell of the branch of a variant.
var records = map[Variant]resolve.BranchRecord{ByTXT: resolve.TXT, ByEBL: resolve.EBL}

func digits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

// reversed is a label a digit, the last first, each with its dot.
func reversed(number string) string {
	b := make([]byte, 0, 2*len(number))
	for _, d := range slices.Backward([]byte(number)) {
		b = append(b, d, '.')
	}
	return string(b)
}

// countryCode is how many digits of an E.164 number are its country code, ITU-T E.164 Annex D: of
// two, where the first two are one of these.
func countryCode(number string) int {
	const two = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 " +
		"60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"
	switch {
	case number[0] == '1', number[0] == '7':
		return 1
	case strings.Contains(two, number[:2]):
		return 2
	}
	return 3
}
