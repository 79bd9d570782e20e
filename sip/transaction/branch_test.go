package transaction

import (
	"bytes"
	"testing"

	"sipedge/sip/siphash"
)

func TestBranch(t *testing.T) {
	l := &Layer{secret: siphash.NewKey(make([]byte, 16))}
	other := &Layer{secret: siphash.NewKey(bytes.Repeat([]byte{2}, 16))}
	const handle = 0x1234_5678_9abc_def0
	branch := l.appendBranch(nil, handle, []byte("-loop"))
	h, loop, ok := l.parseBranch(branch)
	if h != handle || string(loop) != "-loop" || !ok {
		t.Fatalf("%s: got %x, %q, %v", branch, h, loop, ok)
	}
	if loop, ok := l.Loop(branch); string(loop) != "-loop" || !ok {
		t.Errorf("Loop: got %q, %v", loop, ok)
	}
	if _, ok := other.Loop(branch); ok {
		t.Error("made under another secret, yet accepted")
	}
	for i := range branchLen {
		forged := append([]byte(nil), branch...)
		forged[i] ^= 1
		if _, ok := l.Loop(forged); ok {
			t.Errorf("%s is accepted", forged)
		}
		if _, ok := l.Loop(branch[:i]); ok {
			t.Errorf("%s is accepted", branch[:i])
		}
	}
}
