package refine

import (
	"net/netip"
	"strings"

	"sipedge/schema/internal/source"
)

// checkCertificate refuses one that is neither in files nor issued, or both.
func checkCertificate(v *source.Value) *source.Diagnostic {
	issued := v.Has("acme")
	for _, key := range []string{"cert", "key"} {
		switch has := v.Has(key); {
		case has && issued:
			d := problem(v.Get(key), source.NotOneKey,
				"a certificate that is issued by acme has no %s of its own", key)
			d.Hint = "what is issued lies in the state folder"
			return d
		case !has && !issued:
			d := problem(v, source.MissingField, "a certificate needs %q", key)
			d.Hint = "cert and key are its files; `acme` has a CA issue it"
			return d
		}
	}
	return nil
}

// checkIssued refuses what a CA would, or what only the DNS could prove.
func checkIssued(v *source.Value) *source.Diagnostic {
	if strings.HasPrefix(v.S, "*.") {
		d := problem(v, source.BadIssued, "a wildcard is proved by the DNS alone, which is not supported")
		d.Hint = "name a host; each has a certificate of its own"
		return d
	}
	if _, err := netip.ParseAddr(v.S); err == nil {
		return problem(v, source.BadIssued, "%s is an address; certificates are issued of domains", v.S)
	}
	return nil
}
