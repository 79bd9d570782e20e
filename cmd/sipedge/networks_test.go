package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTwoNetworks is examples/08-two-networks between two network namespaces that do not reach
// each other: calls both ways, the end of a call from both sides, and what a stranger makes up.
func TestTwoNetworks(t *testing.T) {
	needs(t, "sipp", "ip")
	office, carrier, edge := newNetwork(t, "office"), newNetwork(t, "carrier"), newNetwork(t, "edge")
	join(t, office, "10.1.0.2/24", edge, "10.1.0.9/24")
	join(t, carrier, "10.2.0.2/24", edge, "10.2.0.9/24")
	run(t, "ip", "-n", string(office), "addr", "add", "10.1.0.77/24", "dev", string(office))
	if exec.Command("ip", "netns", "exec", string(office), "sh", "-c",
		"echo x > /dev/udp/10.2.0.2/5060").Run() == nil {
		t.Fatal("the office reaches the carrier by itself")
	}
	server := edge.start(t, "sipedge", "serve", "--drain", "200ms", "../../examples/08-two-networks")
	server.listens(t)

	for _, way := range []struct {
		name               string
		from, to           network
		ip, peer, via      string
		uac, uas           string
		foreign, ownRecord string
	}{
		{"out, the caller ends", office, carrier, "10.1.0.2", "10.2.0.2", "10.1.0.9",
			"uac", "uas", "10.1.0.", "10.2.0.9"},
		{"out, the callee ends", office, carrier, "10.1.0.2", "10.2.0.2", "10.1.0.9",
			"uac_waits", "uas_ends", "10.1.0.", "10.2.0.9"},
		{"in, the caller ends", carrier, office, "10.2.0.2", "10.1.0.2", "10.2.0.9",
			"uac", "uas", "10.2.0.", "10.1.0.9"},
		{"in, the callee ends", carrier, office, "10.2.0.2", "10.1.0.2", "10.2.0.9",
			"uac_waits", "uas_ends", "10.2.0.", "10.1.0.9"},
	} {
		t.Run(way.name, func(t *testing.T) {
			seen := filepath.Join(t.TempDir(), "seen.log")
			uas := way.to.sipp(t, way.uas, way.peer, "-trace_msg", "-message_file", seen)
			uas.listens(t)
			way.from.sipp(t, way.uac, way.ip, way.via+":5060").ends(t)
			uas.ends(t)
			text, err := os.ReadFile(seen)
			if err != nil {
				t.Fatal(err)
			}
			onlyWhatItMust(t, string(text), way.foreign, way.ownRecord)
		})
	}
	t.Run("a stranger", func(t *testing.T) {
		uas := carrier.sipp(t, "uas", "10.2.0.2")
		uas.listens(t)
		office.sipp(t, "uac_forged", "10.1.0.77", "-s", "10.2.0.2", "10.1.0.9:5060").ends(t)
		office.sipp(t, "uac", "10.1.0.2", "10.1.0.9:5060").ends(t) // the one call that comes
		uas.ends(t)
	})
	server.cmd.Process.Signal(syscall.SIGTERM)
	server.ends(t)
}

// onlyWhatItMust checks the messages that one side has seen: of the other it learns no more than
// end points tell each other, and the Record-Route and Via of the way back.
func onlyWhatItMust(t *testing.T, messages, foreign, own string) {
	t.Helper()
	vias := 0
	for line := range strings.Lines(messages) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "Via" && strings.HasPrefix(value, " SIP/2.0/UDP "+own+":5060;") {
			vias++
		}
		if !strings.Contains(line, foreign) {
			continue
		}
		switch name {
		case "Via", "Record-Route", "Route", "Contact", "From", "To", "Call-ID":
		default:
			if !strings.HasPrefix(line, "ACK ") && !strings.HasPrefix(line, "BYE ") {
				t.Errorf("the other network is named in %q", line)
			}
		}
	}
	if vias == 0 {
		t.Errorf("no Via of %s:\n%s", own, messages)
	}
}

// network is a network namespace, and the name of its interface to the edge.
type network string

// newNetwork makes one, which goes with the test; without the right to, it skips.
func newNetwork(t *testing.T, name string) network {
	t.Helper()
	n := network(fmt.Sprintf("%.7s%d", name, os.Getpid()))
	if out, err := exec.Command("ip", "netns", "add", string(n)).CombinedOutput(); err != nil {
		if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
			t.Fatalf("network namespaces: %v %s", err, out)
		}
		t.Skipf("missing: network namespaces (%v: %s)", err, bytes.TrimSpace(out))
	}
	t.Cleanup(func() { run(t, "ip", "netns", "del", string(n)) })
	run(t, "ip", "-n", string(n), "link", "set", "lo", "up")
	return n
}

// join connects a network with the edge.
func join(t *testing.T, n network, addr string, edge network, edgeAddr string) {
	t.Helper()
	run(t, "ip", "-n", string(n), "link", "add", string(n), "type", "veth",
		"peer", "name", string(n), "netns", string(edge))
	for _, end := range []struct {
		in   network
		addr string
	}{{n, addr}, {edge, edgeAddr}} {
		run(t, "ip", "-n", string(end.in), "addr", "add", end.addr, "dev", string(n))
		run(t, "ip", "-n", string(end.in), "link", "set", string(n), "up")
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// process is a program in a network.
type process struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	exited chan error
}

func (n network) start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{exited: make(chan error, 1)}
	p.cmd = exec.Command("ip", append([]string{"netns", "exec", string(n)}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// sipp makes or takes one call.
func (n network) sipp(t *testing.T, name, ip string, args ...string) *process {
	t.Helper()
	all := append([]string{"sipp"}, scenario(name)...)
	all = append(all, "-i", ip, "-p", "5060", "-t", "u1", "-m", "1", "-d", "100",
		"-timeout", "60", "-timeout_error", "-nostdin")
	return n.start(t, append(all, args...)...)
}

// listens waits until the process has a UDP socket of port 5060.
func (p *process) listens(t *testing.T) {
	t.Helper()
	p.listensOn(t, 5060)
}

// listensOn waits until the process has a UDP socket of a port.
func (p *process) listensOn(t *testing.T, port uint16) {
	t.Helper()
	await(t, 20*time.Second, func() (string, bool) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/udp", p.cmd.Process.Pid))
		return fmt.Sprint("no socket of port ", port),
			strings.Contains(string(b), fmt.Sprintf(":%04X ", port))
	})
}

// ends waits for the end of the process, which must be a good one.
func (p *process) ends(t *testing.T) {
	t.Helper()
	select {
	case err := <-p.exited:
		if err != nil {
			out := p.out.String()
			t.Errorf("%v: %v\n%s", p.cmd.Args, err, out[max(0, len(out)-3000):])
		}
	case <-time.After(70 * time.Second):
		t.Fatalf("%v does not end", p.cmd.Args)
	}
}
