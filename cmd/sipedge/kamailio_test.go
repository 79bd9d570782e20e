package main

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// kamailio is a Kamailio on a port of 127.0.0.1, until the test or stop ends it.
type kamailio struct {
	t      *testing.T
	cmd    *exec.Cmd
	port   int
	folder string
	log    bytes.Buffer
	exited chan struct{}
}

// startKamailio runs a configuration of testdata, in which @PORT@, @FOLDER@ and what oldnew says is
// replaced.
func startKamailio(t *testing.T, config string, oldnew ...string) *kamailio {
	t.Helper()
	needs(t, "kamailio", "kamcmd")
	cfg, err := os.ReadFile(filepath.Join("testdata", config))
	if err != nil {
		t.Fatal(err)
	}
	k := &kamailio{t: t, port: int(freePort(t)), exited: make(chan struct{})}
	if k.folder, err = os.MkdirTemp("", "sipedge-"); err != nil { // a socket's path is short
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(k.folder) })
	path := filepath.Join(k.folder, "kamailio.cfg")
	text := strings.NewReplacer(append(oldnew, "@PORT@", strconv.Itoa(k.port),
		"@FOLDER@", k.folder)...).Replace(string(cfg))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k.cmd = exec.Command("kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-f", path,
		"-Y", k.folder, "-P", k.folder+"/pid")
	k.cmd.Env = append(os.Environ(), "TZ=UTC") // its times are local
	k.cmd.Stdout, k.cmd.Stderr = &k.log, &k.log
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		k.cmd.Wait()
		close(k.exited)
	}()
	t.Cleanup(k.stop)
	await(t, 20*time.Second, func() (string, bool) {
		select {
		case <-k.exited:
			t.Fatalf("kamailio ended: %s", &k.log)
		default:
		}
		out, err := k.ask("core.uptime")
		return out, err == nil
	})
	return k
}

// addr is where it listens.
func (k *kamailio) addr() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(k.port))
}

func (k *kamailio) ask(args ...string) (string, error) {
	args = append([]string{"-s", "unix:" + k.folder + "/ctl"}, args...)
	out, err := exec.Command("kamcmd", args...).CombinedOutput()
	return string(out), err
}

func (k *kamailio) stop() {
	k.cmd.Process.Signal(os.Interrupt)
	select {
	case <-k.exited:
	case <-time.After(20 * time.Second):
		k.cmd.Process.Kill()
		<-k.exited
	}
	if k.t.Failed() {
		k.t.Logf("log of kamailio:\n%s", &k.log)
	}
}
