package stream

import (
	"strings"
	"testing"
	"time"
)

// What a moment gives back has the reading of the monotonic clock, by which times are compared.
func TestMoment(t *testing.T) {
	var m moment
	if !m.none() {
		t.Error("the zero moment is a time")
	}
	at := time.Now().Add(time.Hour)
	m.set(at)
	if m.none() || !m.time().Equal(at) || !strings.Contains(m.time().String(), "m=+") {
		t.Errorf("%v, want %v", m.time(), at)
	}
}
