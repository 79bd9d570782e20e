package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// phone is a baresip of its own process: a user on 127.0.0.1, whose sound goes nowhere.
type phone struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	said bytes.Buffer
}

// Write takes what the phone says.
func (p *phone) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *phone) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

const baresipModules = "/usr/lib/baresip/modules" // where Debian has them

// startPhone starts the phone of a user at a server, until the test ends. settings are parameters
// of its account, behind a semicolon each.
func startPhone(
	t *testing.T, user, password string, at netip.AddrPort, transport, settings string,
	args ...string,
) *phone {
	t.Helper()
	return startPhoneWith(t, "", user, password, at, transport, settings, args...)
}

// startPhoneWith has more lines of configuration.
func startPhoneWith(
	t *testing.T, config, user, password string, at netip.AddrPort, transport, settings string,
	args ...string,
) *phone {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"config": "sip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\nmodule_path " + baresipModules + `
module g711.so
module aubridge.so
audio_source aubridge,nowhere
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
module_tmp uuid.so
module_tmp account.so
module_app menu.so
` + config,
		"accounts": fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_pass=%s%s\n", user, at, transport,
			password, settings),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &phone{t: t, done: make(chan struct{})}
	p.cmd = exec.Command("baresip", append([]string{"-f", dir}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ends is not what is tested
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("the phone of %s:\n%s", user, p)
		}
	})
	return p
}

// hears waits until the phone has said something.
func (p *phone) hears(what string) {
	p.t.Helper()
	await(p.t, 20*time.Second, func() (string, bool) {
		return fmt.Sprintf("a phone does not say %q", what), strings.Contains(p.String(), what)
	})
}

// hangUp ends the phone as its user would: calls end, the binding is removed.
func (p *phone) hangUp() {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Error("a phone does not end")
	}
}

// Two phones register with their passwords and call each other; a third is nobody's.
func TestPhones(t *testing.T) {
	needs(t, "baresip")
	s := startServer(t, registrarPolicy(t))
	bound := func(want float64) {
		t.Helper()
		await(t, 20*time.Second, func() (string, bool) {
			n := s.metric(`sipedge_bindings{backend="contacts"}`)
			return fmt.Sprintf("%v bindings, want %v", n, want), n == want
		})
	}
	for _, transport := range []string{"udp", "tcp"} {
		at := s.addr(transport, false)
		bob := startPhone(t, "bob", "secret_of_bob", at, transport, ";answermode=auto")
		bound(1)
		carol := startPhone(t, "carol", "guessed", at, transport, "")
		carol.hears("403 Forbidden") // after ten tries
		carol.hangUp()
		bound(1)
		alice := startPhone(t, "alice", "secret_of_alice", at, transport, "", "-e",
			fmt.Sprintf("/dial sip:bob@%s;transport=%s", at, transport))
		alice.hears("Call established")
		bob.hears("Call established")
		bound(2)
		alice.hangUp()
		bob.hears("session closed")
		bound(1)
		bob.hangUp()
		bound(0)
	}
}
