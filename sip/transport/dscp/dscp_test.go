package dscp_test

import (
	"testing"

	"sipedge/sip/transport/dscp"
)

func TestParse(t *testing.T) {
	for name, want := range map[string]uint8{
		"cs0": 0, "cs3": 24, "CS7": 56, "af11": 10, "af31": 26, "af43": 38, "ef": 46, "va": 44,
		"le": 1, "0": 0, "46": 46, "63": 63,
	} {
		if got, ok := dscp.Parse(name); got != want || !ok {
			t.Errorf("%s: %d, %v; want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "64", "-1", "300", "cs8", "af", "af14", "af51", "e f"} {
		if got, ok := dscp.Parse(name); ok {
			t.Errorf("%q: %d, want none", name, got)
		}
	}
}

func TestNothingToMark(t *testing.T) {
	if dscp.Control(0) != nil {
		t.Error("code point 0 touches sockets")
	}
}
