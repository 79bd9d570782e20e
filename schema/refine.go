package schema

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sipedge/sip"
)

// A refinement checks what a CUE definition can't say, of a value that the
// definition took.
type refinement func(w *walker, v *Value)

// refinements belong to definitions of policy.cue.
var refinements = map[string]refinement{
	"#Method":   (*walker).method,
	"#Duration": (*walker).duration,
	"#Size":     (*walker).size,
	"#CIDR":     (*walker).network,
	"#Address":  (*walker).address,
	"#Server":   (*walker).address,
	"#HostPort": (*walker).hostPort,
	"#Regex":    (*walker).regex,
	"#IntTests": (*walker).ordered,
}

func knownMethods() []string {
	var names []string
	for m := sip.INVITE; m <= sip.PRACK; m++ {
		names = append(names, m.String())
	}
	return names
}

func (w *walker) method(v *Value) {
	if slices.Contains(w.methods, v.S) {
		return
	}
	near := Meant(v.S, w.methods)
	d := v.Problem(UnknownMethod, "%q is not a known method%s", v.S, near)
	if near == "" {
		d.Hint = "list extension methods under `methods:`"
	}
	w.addStrict(d)
}

func (w *walker) duration(v *Value) {
	if _, ok := parseDuration(v.S); !ok {
		w.addStrict(v.Problem(OutOfRange, "%q is out of range (1ms to ten years)", v.S))
	}
}

func (w *walker) size(v *Value) {
	if n := v.Size(); n <= 0 || n > 2<<30-1 {
		w.addStrict(v.Problem(OutOfRange, "%s is out of range (1 byte to 2GiB)", v.show()))
	}
}

func (w *walker) network(v *Value) {
	if _, err := ParseNetwork(v.S); err != nil {
		w.addStrict(v.Problem(BadNetwork, "%q is not an IP address or network", v.S))
	}
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

// address checks an IP address, with a port or without.
func (w *walker) address(v *Value) {
	host, port, ok := splitPort(v.S)
	if _, err := netip.ParseAddr(host); err != nil {
		w.addStrict(v.Problem(BadAddress, "%q is not an IP address", host))
	} else if !ok {
		w.addStrict(v.Problem(BadAddress, "%s is not a port (0 to 65535)", port))
	}
}

func (w *walker) hostPort(v *Value) {
	host, port, ok := splitPort(v.S)
	if !ok {
		w.addStrict(v.Problem(BadAddress, "%s is not a port (0 to 65535)", port))
		return
	}
	if strings.Contains(host, ":") || strings.Trim(host, "0123456789.") == "" {
		if _, err := netip.ParseAddr(host); err != nil {
			w.addStrict(v.Problem(BadAddress, "%q is not an IP address", host))
		}
	}
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

func (w *walker) regex(v *Value) {
	if _, err := regexp.Compile(v.S); err != nil {
		text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		w.addStrict(v.Problem(BadRegex, "not a regular expression (RE2): %s", text))
	}
}

func (w *walker) ordered(v *Value) {
	low, high := v.Get("min"), v.Get("max")
	if low.Kind == Int && high.Kind == Int && low.N > high.N {
		w.addStrict(high.Problem(OutOfRange, "max %d is less than min %d", high.N, low.N))
	}
}
