package job

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"sipedge/schema"
	"sipedge/sip/transport"
)

func TestBytesAreIndependentCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := new(Job)
		j.Reset()
		inputs := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 700), 1, 20).Draw(t, "inputs")
		var copies [][]byte
		for _, in := range inputs {
			c := j.Bytes(in)
			copies = append(copies, c)
			_ = append(c, "overwrite"...)
		}
		for i, in := range inputs {
			if !bytes.Equal(copies[i], in) {
				t.Fatalf("copy %d: want %q, got %q", i, in, copies[i])
			}
			if len(in) > 0 && &copies[i][0] == &in[0] {
				t.Fatalf("copy %d is the argument itself", i)
			}
		}
	})
}

func TestBytesOfNothing(t *testing.T) {
	j := Get()
	defer Put(j)
	if got := j.Bytes(nil); got != nil {
		t.Errorf("nil: want nil, got %q", got)
	}
	if got := j.Bytes([]byte{}); got == nil || len(got) != 0 {
		t.Errorf("empty: want empty and not nil, got %#v", got)
	}
}

func TestResetForgetsTheRun(t *testing.T) {
	j := Get()
	j.Place = schema.InFailure
	j.Status, j.Answered, j.SendSocket = 486, true, 1
	j.RRParams = j.Bytes([]byte(";a=b"))
	j.Targets = append(j.Targets, Target{URI: j.Bytes([]byte("sip:a@b")), Q: 500})
	targets := j.Targets
	j.Reset()
	if targets[0].URI != nil {
		t.Error("the target's memory still holds its URI")
	}
	if len(j.Targets) != 0 || cap(j.Targets) == 0 {
		t.Errorf("targets: want none with room, got len %d cap %d", len(j.Targets), cap(j.Targets))
	}
	if j.Place != 0 || j.Status != 0 || j.Answered || j.RRParams != nil {
		t.Errorf("the run is not forgotten: %+v", j)
	}
	if j.SendSocket != transport.AnyListener {
		t.Errorf("send socket: want any, got %d", j.SendSocket)
	}
}

func TestAPooledRunAllocatesNothing(t *testing.T) {
	uri := []byte("sip:alice@example.net")
	j := new(Job)
	n := testing.AllocsPerRun(1000, func() {
		j.Reset()
		j.Targets = append(j.Targets, Target{URI: j.Bytes(uri), NextHop: j.Bytes(uri)})
	})
	if n != 0 {
		t.Errorf("want 0 allocations, got %v", n)
	}
}

func TestPutLimitsTheArena(t *testing.T) {
	j := new(Job)
	j.Bytes(make([]byte, arenaKept+1))
	Put(j)
	if cap(j.arena) != 0 {
		t.Errorf("an arena of %d bytes is kept", cap(j.arena))
	}
}
