package proxy

import (
	"testing"

	"sipedge/router/fault"
)

// RFC 3261 §16.7 step 6.
func TestBest(t *testing.T) {
	type got struct {
		status int
		fault  *fault.Fault
	}
	tests := []struct {
		name      string
		cancelled bool
		of        []got
		want      int // index
	}{
		{"6xx wins", false, []got{{status: 404}, {status: 302}, {status: 603}}, 2},
		{"lowest class", false, []got{{status: 500}, {status: 486}, {status: 302}}, 2},
		{"401 before 407", false, []got{{status: 407}, {status: 401}}, 1},
		{"407 before 415", false, []got{{status: 415}, {status: 407}}, 1},
		{"415 before 420", false, []got{{status: 420}, {status: 415}}, 1},
		{"420 before 484", false, []got{{status: 484}, {status: 420}}, 1},
		{"484 before 404", false, []got{{status: 404}, {status: 484}}, 1},
		{"any before 408", false, []got{{status: 408}, {status: 480}}, 1},
		{"503 last of its class", false, []got{{status: 503}, {status: 504}}, 1},
		{"of equals the first", false, []got{{status: 486}, {status: 404}}, 0},
		{"received before ours", false, []got{{403, fault.Guarded}, {status: 486}}, 1},
		{"408 received before ours", false, []got{{408, fault.Timeout}, {status: 408}}, 1},
		{"a dropped branch counts least", false, []got{{480, fault.Dropped}, {503, fault.Send}}, 1},
		{"487 of a cancelled call", true, []got{{status: 302}, {status: 487}}, 1},
		{"487 else is one of many", false, []got{{status: 401}, {status: 487}}, 0},
		{"6xx even then", true, []got{{status: 487}, {status: 600}}, 1},
	}
	for _, tt := range tests {
		c := &responseContext{state: state{cancelled: tt.cancelled, attempt: 1}}
		for i, g := range tt.of {
			b := ended(1, g.status)
			b.index, b.fault = i, g.fault
			c.branches = append(c.branches, b)
		}
		if b := c.best(0); b.index != tt.want {
			t.Errorf("%s: got %d", tt.name, b.status)
		}
	}
}

func ended(attempt, status int) *branch {
	return &branch{branchState: branchState{attempt: int32(attempt), status: int32(status)}}
}

// A failure route is told of its own relay, the caller of all.
func TestBestOfAttempt(t *testing.T) {
	c := &responseContext{state: state{attempt: 2}}
	c.branches = []*branch{ended(1, 404), ended(2, 503), ended(2, 500)}
	if b := c.best(2); b.status != 500 {
		t.Errorf("of the second relay: got %d", b.status)
	}
	if b := c.best(0); b.status != 404 {
		t.Errorf("of all: got %d", b.status)
	}
	if c.best(3) != nil {
		t.Error("of a relay that was not made")
	}
}
