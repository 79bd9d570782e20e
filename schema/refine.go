package schema

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
	"sipedge/sip"
)

// refinements are what CUE can't say of the definitions of policy.cue, for a
// policy with these extension methods, tables and backends.
func refinements(methods *Value, names *declared) map[string]shape.Refinement {
	known := knownMethods()
	legible := true // else `methods` is told, and what it should name is not known
	methods.Each(func(m *Value) {
		legible = legible && m.Kind == String && m.S != ""
		known = append(known, m.S)
	})
	return map[string]shape.Refinement{
		"#Method": func(v *Value) *Diagnostic {
			if !legible {
				return nil
			}
			return checkMethod(v, known)
		},
		"#Duration":        checkDuration,
		"#Size":            checkSize,
		"#CIDR":            checkNetwork,
		"#Address":         checkAddress,
		"#Server":          checkAddress,
		"#HostPort":        checkHostPort,
		"#Regex":           checkRegex,
		"#IntTests":        checkOrder,
		"#TableName":       names.table,
		"#CertificateName": names.certificate,
		"#CacheName":       names.cache,
		"#BackendName":     names.backend,
		"#GatewaysName":    names.gateways.named,
		"#UsersName":       names.whose,
		"#DomainTable":     names.domains,
		"#Rows":            checkRows,
		"#MapRows":         checkMapRows,
		"#VarTests":        checkOrder,
	}
}

func knownMethods() []string {
	var names []string
	for m := sip.INVITE; m <= sip.PRACK; m++ {
		names = append(names, m.String())
	}
	return names
}

func checkMethod(v *Value, known []string) *Diagnostic {
	if slices.Contains(known, v.S) {
		return nil
	}
	near := Meant(v.S, known)
	d := v.Problem(UnknownMethod, "%q is not a known method%s", v.S, near)
	if near == "" {
		d.Hint = "list extension methods under `methods:`"
	}
	return &d
}

func problem(v *Value, code Code, format string, args ...any) *Diagnostic {
	d := v.Problem(code, format, args...)
	return &d
}

func checkDuration(v *Value) *Diagnostic {
	if _, ok := source.ParseDuration(v.S); !ok {
		return problem(v, OutOfRange, "%q is out of range (1ms to ten years)", v.S)
	}
	return nil
}

func checkSize(v *Value) *Diagnostic {
	if n := v.Size(); n <= 0 || n > 2<<30-1 {
		return problem(v, OutOfRange, "%s is out of range (1 byte to 2GiB)", v.Show())
	}
	return nil
}

func checkNetwork(v *Value) *Diagnostic {
	if _, err := ParseNetwork(v.S); err != nil {
		return problem(v, BadNetwork, "%q is not an IP address or network", v.S)
	}
	return nil
}

// ParseNetwork reads what #CIDR stands for: an address is the network of it
// alone; bits behind the prefix are cleared.
func ParseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		return a.Unmap().Prefix(a.Unmap().BitLen())
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// checkAddress checks an IP address, with a port or without.
func checkAddress(v *Value) *Diagnostic {
	host, port, ok := splitPort(v.S)
	if _, err := netip.ParseAddr(host); err != nil {
		return problem(v, BadAddress, "%q is not an IP address", host)
	}
	if !ok {
		return problem(v, BadAddress, "%s is not a port (0 to 65535)", port)
	}
	return nil
}

func checkHostPort(v *Value) *Diagnostic {
	host, port, ok := splitPort(v.S)
	if !ok {
		return problem(v, BadAddress, "%s is not a port (0 to 65535)", port)
	}
	if !strings.Contains(host, ":") && strings.Trim(host, "0123456789.") != "" {
		return nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return problem(v, BadAddress, "%q is not an IP address", host)
	}
	return nil
}

// splitPort cuts host and port; a bare IPv6 address has none.
func splitPort(s string) (host, port string, ok bool) {
	host = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 &&
		(strings.HasSuffix(s[:i], "]") || strings.Count(s, ":") == 1) {
		host, port = s[:i], s[i+1:]
		n, err := strconv.Atoi(port)
		ok = err == nil && n <= 65535
	} else {
		ok = true
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return host, port, ok
}

func checkRegex(v *Value) *Diagnostic {
	_, err := regexp.Compile(v.S)
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	return problem(v, BadRegex, "not a regular expression (RE2): %s", text)
}

func checkOrder(v *Value) *Diagnostic {
	low, high := v.Get("min"), v.Get("max")
	if low.Kind == Int && high.Kind == Int && low.N > high.N {
		return problem(high, OutOfRange, "max %d is less than min %d", high.N, low.N)
	}
	return nil
}
