package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// natPolicy is examples/09-nat-media without users and media.
const natPolicy = `version: 1
admin: {listen: none}
listen: [{udp: "10.9.0.9:5060"}]
domains: [10.9.0.9]
backends: {contacts: {memory: {}}}
routes:
  request:
    - name: from behind a NAT
      match: {nat: true}
      do: [{force_rport: {}}, {fix_nat: {}}]
    - name: within a call
      match: {in_dialog: true}
      do: [{loose_route: {on_none: stranger}}, {relay: {reply: callee}}]
    - name: a phone registers
      match: {method: REGISTER, to: {myself: true}}
      do: [{save: {location: contacts}}]
    - name: to one of our users
      match: {uri: {myself: true}}
      do: [{lookup: {location: contacts}}, {record_route: {}}, {relay: {reply: callee}}]
    - name: nowhere else
      do: [{reply: {code: 403}}]
  sub: {stranger: [{do: [{reply: {code: 481}}]}]}
  reply:
    callee: [{match: {nat: true}, do: [{fix_nat: {}}]}]
`

// TestTwoNATs has two phones of one private address, each behind a NAT of its own that lets in
// only answers, call each other: nothing but the mapping of a NAT leads to one, since the edge
// has no route to their networks.
func TestTwoNATs(t *testing.T) {
	needs(t, "sipp", "ip", "iptables")
	edge := newNetwork(t, "edge")
	run(t, "ip", "-n", string(edge), "addr", "add", "10.9.0.9/32", "dev", "lo")
	alice, bob := behindNAT(t, edge, "alice", 1), behindNAT(t, edge, "bob", 2)
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(natPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	server := edge.start(t, "sipedge", "serve", "--drain", "200ms", policy)
	server.listensOn(t, 5060)

	const ip, to = "192.168.0.2", "10.9.0.9:5060"
	register := func(phone network, name, port string) {
		phone.sipp(t, "register_behind_nat", ip, "-p", port, "-s", name, to).ends(t)
	}
	call := func(uac, uas string, caller, callee network, name string, port uint16) {
		t.Helper()
		answers := callee.sipp(t, uas, ip, "-p", fmt.Sprint(port))
		answers.listensOn(t, port)
		caller.sipp(t, uac, ip, "-s", name, to).ends(t)
		answers.ends(t)
	}
	register(alice, "alice", "5060")
	register(bob, "bob", "5060")
	call("uac", "uas", alice, bob, "bob", 5060)
	call("uac_waits", "uas_ends", bob, alice, "alice", 5060)
	register(bob, "bob", "5062") // the mapping is another, the Contact the same
	call("uac_waits", "uas_ends", alice, bob, "bob", 5062)
	server.cmd.Process.Signal(syscall.SIGTERM)
	server.ends(t)
}

// behindNAT makes a network behind a NAT, number n of those at the edge.
func behindNAT(t *testing.T, edge network, name string, n int) network {
	t.Helper()
	phone, nat := newNetwork(t, name), newNetwork(t, fmt.Sprintf("nat%d", n))
	join(t, phone, "192.168.0.2/24", nat, "192.168.0.1/24")
	outer := fmt.Sprintf("10.9.%d.", n)
	join(t, nat, outer+"1/24", edge, outer+"9/24")
	run(t, "ip", "-n", string(phone), "route", "add", "default", "via", "192.168.0.1")
	run(t, "ip", "-n", string(nat), "route", "add", "default", "via", outer+"9")
	run(t, "ip", "netns", "exec", string(nat), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
	run(t, "ip", "netns", "exec", string(nat), "iptables", "-t", "nat", "-A", "POSTROUTING",
		"-o", string(nat), "-j", "MASQUERADE", "--random")
	return phone
}
