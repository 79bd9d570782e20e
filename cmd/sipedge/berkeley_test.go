package main

import (
	"crypto/md5"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A file of Berkeley DB, made by db_load, is brought over by either form of its dump: the user in
// it registers.
func TestBerkeley(t *testing.T) {
	needs(t, "db_load", "db_dump", "sipsak")
	folder := t.TempDir()
	run := func(stdin, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Stdin = folder, strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	ha1 := fmt.Sprintf("%x", md5.Sum([]byte("alice:127.0.0.1:secret_of_alice")))
	run("METADATA_COLUMNS\nid(int) username(str) domain(str) password(str) ha1(str) ha1_sha256(str) "+
		"ha1_sha512t256(str)\nMETADATA_KEY\n1 2 \nMETADATA_READONLY\n0\nMETADATA_LOGFLAGS\n0\n"+
		"METADATA_DEFAULTS\nNIL|''|''|''|''|''|''\n"+
		"alice|127.0.0.1|\n1|alice|127.0.0.1||"+ha1+"||\n", "db_load", "-T", "-t", "hash", "subscriber")
	run("METADATA_COLUMNS\nkey(str) size(int)\nMETADATA_KEY\n0 \na|\na|5\n", "db_load", "-T", "-t",
		"btree", "sizes")
	run("", "db_dump", "-p", "-f", "subscriber.print", "subscriber")
	run("", "db_dump", "-f", "subscriber.bytes", "subscriber")
	run("", "db_dump", "-f", "sizes.dump", "sizes")
	file := func(name string) string { return filepath.Join(folder, name) }
	for _, dump := range []string{"subscriber.print", "subscriber.bytes"} {
		db := file(dump + ".bolt")
		out := sipedge(t, "", "db", "import-bdb", "--db", "bolt:"+db, file(dump), file("sizes.dump"))
		if want := "subscriber   1 rows\nsizes        1 rows\n"; out != want {
			t.Errorf("want, got:\n%s\n%s", want, out)
		}
		again := exec.Command("sipedge", "db", "import-bdb", "--db", "bolt:"+db, file(dump))
		if out, _ := again.CombinedOutput(); again.ProcessState.ExitCode() != 1 ||
			!strings.Contains(string(out), "exists already") {
			t.Errorf("once more: exit code %d\n%s", again.ProcessState.ExitCode(), out)
		}
		sipedge(t, "", "db", "init", "--db", "bolt:"+db)
		s := startServer(t, movedExample(t, "03-registrar",
			"{sqlite: {file: registrar.db}}", fmt.Sprintf("{bolt: {file: %q}}", db)))
		port := int(s.addr("udp", false).Port())
		registers(t, port, "guessed", "sip:alice@127.0.0.1:7001", false)
		registers(t, port, "secret_of_alice", "sip:alice@127.0.0.1:7001", true)
		s.kill()
		s = startServer(t, movedExample(t, "03-registrar",
			"{sqlite: {file: registrar.db}}", fmt.Sprintf("{bolt: {file: %q}}", db)))
		if n := s.metric("sipedge_bindings"); n != 1 {
			t.Errorf("%v bindings after kill -9, want 1", n)
		}
		s.kill()
	}
	for _, db := range []string{"sqlite:" + file("x.db"), "text:" + t.TempDir()} {
		sipedge(t, "", "db", "import-bdb", "--db", db, file("subscriber.print"))
		if out := sipedge(t, "", "user", "list", "--db", db); out != "alice@127.0.0.1\n" {
			t.Errorf("%s: users: %s", db, out)
		}
	}
}
