package resolve

import (
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// readHosts reads a file of hosts(5). localhost is always known, RFC 6761 §6.3.
func readHosts(file string) map[string][]netip.Addr {
	hosts := make(map[string][]netip.Addr)
	b, _ := os.ReadFile(file) // one that can't be read is empty
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		a, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, name := range fields[1:] {
			name = strings.TrimSuffix(strings.ToLower(name), ".")
			if !slices.Contains(hosts[name], a.Unmap()) {
				hosts[name] = append(hosts[name], a.Unmap())
			}
		}
	}
	if hosts["localhost"] == nil {
		hosts["localhost"] = []netip.Addr{
			netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback(),
		}
	}
	return hosts
}

// systemServers are those of /etc/resolv.conf, or the loopback as resolv.conf(5) has it.
func systemServers() []netip.AddrPort {
	var servers []netip.AddrPort
	if c, err := dns.ClientConfigFromFile("/etc/resolv.conf"); err == nil {
		for _, s := range c.Servers {
			if a, err := netip.ParseAddr(s); err == nil {
				servers = append(servers, netip.AddrPortFrom(a.Unmap(), 53))
			}
		}
	}
	if len(servers) == 0 {
		servers = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	}
	return servers
}
