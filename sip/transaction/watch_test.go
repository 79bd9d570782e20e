package transaction

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"sipedge/sip"
)

// watcher writes down what it is told.
type watcher struct{ told []string }

func (w *watcher) Began(mark uint32, method sip.Method) {
	w.told = append(w.told, fmt.Sprintf("%d began %s", mark, method))
}

func (w *watcher) Answered(mark uint32, status int, at time.Time, after time.Duration) {
	w.told = append(w.told, fmt.Sprintf("%d %d at %v after %v", mark, status,
		at.Sub(yardStart), after))
}

func (w *watcher) Ended(mark uint32, _ sip.Method, m *sip.Message, err error) {
	switch {
	case m != nil:
		w.told = append(w.told, fmt.Sprintf("%d ended %d", mark, m.Status()))
	case errors.Is(err, ErrTimeout):
		w.told = append(w.told, fmt.Sprintf("%d timeout", mark))
	}
}

// Watch is told of the first response and of the end, of each once.
func TestWatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		method sip.Method
		mark   uint32
		play   func(l *life)
		want   []string
	}{
		{"INVITE", sip.INVITE, 7, func(l *life) {
			for _, status := range []int{100, 180, 180, 200, 200} {
				l.pass(1500 * time.Microsecond)
				l.answer(t, status)
			}
		}, []string{"7 began INVITE", "7 100 at 1.0015s after 1.5ms", "7 ended 200"}},
		{"final at once", sip.INVITE, 7, func(l *life) {
			l.pass(3 * time.Second)
			l.answer(t, 503)
			l.answer(t, 503)
		}, []string{"7 began INVITE", "7 503 at 4s after 3s", "7 ended 503"}},
		{"MESSAGE", sip.MESSAGE, 7, func(l *life) {
			for _, status := range []int{100, 200, 200} {
				l.pass(time.Millisecond)
				l.answer(t, status)
			}
		}, []string{"7 began MESSAGE", "7 100 at 1.001s after 1ms", "7 ended 200"}},
		{"silence", sip.MESSAGE, 7, func(l *life) {
			l.pass(time.Minute)
		}, []string{"7 began MESSAGE", "7 timeout"}},
		{"without a mark", sip.INVITE, 0, func(l *life) { l.answer(t, 180); l.answer(t, 200) }, nil},
	} {
		l, w := newLife(newYard(), "x"), new(watcher)
		l.layer.cfg.Watch = w
		l.pass(time.Second)
		l.mark = c.mark
		l.begin(t, c.method)
		c.play(l)
		if !slices.Equal(w.told, c.want) {
			t.Errorf("%s: told\n%q, want\n%q", c.name, w.told, c.want)
		}
	}
}
