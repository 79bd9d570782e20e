package control

import (
	"cmp"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"sipedge/router/address"
	"sipedge/router/data"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Addresses are the rows of a table of addresses that have a source.
type Addresses struct {
	Table string       `json:"table" doc:"Its name in the policy."`
	Rows  []AddressRow `json:"rows" doc:"The one that counts first."`
}

// AddressRow is one of them.
type AddressRow struct {
	Group     uint32 `json:"group" doc:"0 is in every group."`
	Network   string `json:"network" doc:"IP address and bits."`
	Port      uint16 `json:"port" doc:"0: any."`
	Transport string `json:"transport" doc:"udp, tcp …; any."`
	Pattern   string `json:"pattern,omitempty" doc:"For a text that goes with the request."`
	Context   string `json:"context_info,omitempty" doc:"For the policy."`
}

func (s *Server) testAddress(_ http.ResponseWriter, r *http.Request) (any, error) {
	table, err := s.tableOf(data.Address, "addresses", r.Form.Get("table"))
	if err != nil {
		return nil, err
	}
	var f transport.Flow
	text, by := r.Form.Get("address"), r.Form.Get("transport")
	addr, port, err := parseAddress(text)
	if err != nil {
		return nil, refuse(http.StatusBadRequest,
			"%q is no address: write it like 192.0.2.1 or 192.0.2.1:5060", text)
	}
	f.Remote = netip.AddrPortFrom(addr, port)
	if f.Transport = sip.LookupTransport([]byte(by)); by != "" && f.Transport == sip.NoTransport {
		return nil, refuse(http.StatusBadRequest, "%q is no transport", by)
	}
	var groups []uint32
	for _, g := range r.Form["group"] {
		n, err := strconv.ParseUint(g, 10, 32)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "%q is no group: 0 to 4294967295", g)
		}
		groups = append(groups, uint32(n))
	}
	var pattern []byte // nil: patterns don't count
	if r.Form.Has("text") {
		pattern = append([]byte{}, r.Form.Get("text")...)
	}
	answer := &Addresses{Table: table.Name()}
	table.Sources(f, groups, pattern, func(row address.Row) bool {
		answer.Rows = append(answer.Rows, AddressRow{
			Group: row.Group, Network: row.Net.String(), Port: row.Port,
			Transport: cmp.Or(row.Transport.String(), "any"), Pattern: row.Pattern, Context: row.Info,
		})
		return true
	})
	if answer.Rows == nil {
		return nil, refuse(http.StatusNotFound, "no row of %s has %s", table.Name(), text)
	}
	return answer, nil
}

// parseAddress reads an IP address, which may have a port.
func parseAddress(text string) (addr netip.Addr, port uint16, err error) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr(), a.Port(), nil
	}
	addr, err = netip.ParseAddr(strings.Trim(text, "[]"))
	return addr, 0, err
}

// tableOf finds a table of a kind, of which it is said what it has, by its name, which may be empty
// when there is one.
func (s *Server) tableOf(kind data.Kind, what, want string) (found *data.Table, err error) {
	var all []string
	for _, t := range s.Router.Tables().List() {
		if t.Kind() != kind {
			continue
		}
		all = append(all, t.Name())
		if want == "" || t.Name() == want {
			found = t
		}
	}
	switch {
	case len(all) == 0:
		return nil, refuse(http.StatusNotFound, "the policy has no table of %s", what)
	case want == "" && len(all) > 1:
		return nil, refuse(http.StatusBadRequest, "which table? %s", strings.Join(all, ", "))
	case found == nil:
		return nil, refuse(http.StatusNotFound, "%q is no table of %s: %s", want, what,
			strings.Join(all, ", "))
	}
	return found, nil
}
