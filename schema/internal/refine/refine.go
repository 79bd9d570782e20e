// Package refine is what CUE can't say of the definitions of policy.cue: what a text stands for,
// and that a name is declared.
// Its one law: a refinement sees one value that its definition took, and finds one mistake at most.
package refine

import (
	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
)

// All are the refinements by definition, for a policy with these extension methods and names.
func All(methods *source.Value, names *Names) map[string]shape.Refinement {
	known := knownMethods()
	legible := true // else `methods` is told, and what it should name is not known
	methods.Each(func(m *source.Value) {
		legible = legible && m.Kind == source.String && m.S != ""
		known = append(known, m.S)
	})
	return map[string]shape.Refinement{
		"#Method": func(v *source.Value) *source.Diagnostic {
			if !legible {
				return nil
			}
			return checkMethod(v, known)
		},
		"#Duration":        checkDuration,
		"#Size":            checkSize,
		"#CIDR":            checkNetwork,
		"#Address":         checkAddress,
		"#Server":          checkServer,
		"#HostPort":        checkHostPort,
		"#Regex":           checkRegex,
		"#OneStr":          checkPlain,
		"#IntTests":        checkOrder,
		"#TableName":       names.table,
		"#RatesName":       names.rates,
		"#CertificateName": names.certificate,
		"#Certificate":     checkCertificate,
		"#IssuedDomain":    checkIssued,
		"#CacheName":       names.cache,
		"#AddressTable":    names.addresses,
		"#BackendName":     names.backend,
		"#GatewaysName":    names.gateways.named,
		"#UsersName":       names.whose,
		"#DomainTable":     names.domains,
		"#Rows":            checkRows,
		"#RateRows":        checkRateRows,
		"#MapRows":         checkMapRows,
		"#AddressRows":     checkRows,
		"#InSources":       names.groups,
		"#VarTests":        checkOrder,
	}
}

func problem(
	v *source.Value, code source.Code, format string, args ...any,
) *source.Diagnostic {
	d := v.Problem(code, format, args...)
	return &d
}
