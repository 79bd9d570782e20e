package refine

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sipedge/schema/internal/source"
	"sipedge/sip"
)

func knownMethods() []string {
	var names []string
	for m := sip.INVITE; m <= sip.PRACK; m++ {
		names = append(names, m.String())
	}
	return names
}

func checkMethod(v *source.Value, known []string) *source.Diagnostic {
	if slices.Contains(known, v.S) {
		return nil
	}
	near := source.Meant(v.S, known)
	d := v.Problem(source.UnknownMethod, "%q is not a known method%s", v.S, near)
	if near == "" {
		d.Hint = "list extension methods under `methods:`"
	}
	return &d
}

func checkDuration(v *source.Value) *source.Diagnostic {
	if _, ok := source.ParseDuration(v.S); !ok {
		return problem(v, source.OutOfRange, "%q is out of range (1ms to ten years)", v.S)
	}
	return nil
}

func checkSize(v *source.Value) *source.Diagnostic {
	if n := v.Size(); n <= 0 || n > 2<<30-1 {
		return problem(v, source.OutOfRange, "%s is out of range (1 byte to 2GiB)", v.Show())
	}
	return nil
}

func checkNetwork(v *source.Value) *source.Diagnostic {
	if _, err := ParseNetwork(v.S); err != nil {
		return problem(v, source.BadNetwork, "%q is not an IP address or network", v.S)
	}
	return nil
}

// ParseNetwork reads what #CIDR stands for: an address is the network of it
// alone; bits behind the prefix are cleared. IPv4 in IPv6 form is IPv4.
func ParseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		return a.Unmap().Prefix(a.Unmap().BitLen())
	}
	p, err := netip.ParsePrefix(s)
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), err
}

// checkAddress checks an IP address, with a port or without.
func checkAddress(v *source.Value) *source.Diagnostic {
	host, port, ok := splitPort(v.S)
	if _, err := netip.ParseAddr(host); err != nil {
		return problem(v, source.BadAddress, "%q is not an IP address", host)
	}
	if !ok {
		return problem(v, source.BadAddress, "%s is not a port (0 to 65535)", port)
	}
	return nil
}

// checkServer is checkAddress of where somebody answers.
func checkServer(v *source.Value) *source.Diagnostic {
	if d := checkAddress(v); d != nil {
		return d
	}
	if _, port, _ := splitPort(v.S); port != "" && strings.Trim(port, "0") == "" {
		return problem(v, source.BadAddress, "a server has no port %s", port)
	}
	return nil
}

func checkHostPort(v *source.Value) *source.Diagnostic {
	host, port, ok := splitPort(v.S)
	if !ok {
		return problem(v, source.BadAddress, "%s is not a port (0 to 65535)", port)
	}
	if !strings.Contains(host, ":") && strings.Trim(host, "0123456789.") != "" {
		return nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return problem(v, source.BadAddress, "%q is not an IP address", host)
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

func checkRegex(v *source.Value) *source.Diagnostic {
	_, err := regexp.Compile(v.S)
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	return problem(v, source.BadRegex, "not a regular expression (RE2): %s", text)
}

func checkOrder(v *source.Value) *source.Diagnostic {
	low, high := v.Get("min"), v.Get("max")
	if low.Kind == source.Int && high.Kind == source.Int && low.N > high.N {
		return problem(high, source.OutOfRange, "max %d is less than min %d", high.N, low.N)
	}
	return nil
}

// checkPlain warns of a plain text that is written like a pattern.
func checkPlain(v *source.Value) *source.Diagnostic {
	if v.Kind != source.String {
		return nil
	}
	hint := meantPattern(v.S)
	if hint == "" {
		return nil
	}
	d := problem(v, source.PlainText, "a plain text matches what is the same, letter by letter")
	d.Severity, d.Hint = source.Warning, "write "+hint
	return d
}

// meantPattern is the matcher that a text looks like; "" it looks like a text.
func meantPattern(s string) string {
	_, err := regexp.Compile(s)
	if err == nil && (strings.HasPrefix(s, "^") || strings.HasSuffix(s, "$") ||
		strings.Contains(s, ".*") || strings.Contains(s, `\d`)) {
		return fmt.Sprintf("{regex: %q}", s)
	}
	inside := strings.Trim(s, "*")
	switch {
	case inside == "" || strings.Contains(inside, "*"):
		return ""
	case s == "*"+inside:
		return fmt.Sprintf("{suffix: %q}", inside)
	case s == inside+"*":
		return fmt.Sprintf("{prefix: %q}", inside)
	case s != inside:
		return fmt.Sprintf("{contains: %q}", inside)
	}
	return ""
}
