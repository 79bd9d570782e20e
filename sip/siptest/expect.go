package siptest

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// expect takes the next message at an agent and holds it against the step.
func (r *runner) expect(a *agent, s *step) error {
	switch s.words[0] {
	case "nothing":
		return r.silence(a, s)
	case "closed":
		r.runUntil(func() bool { return a.closed > 0 })
		if a.closed == 0 {
			return fmt.Errorf("%s: the stream is still open", a.name)
		}
		a.closed--
		return nil
	}
	r.runUntil(func() bool { return len(a.inbox) > 0 })
	if r.err != nil {
		return r.err
	}
	if len(a.inbox) == 0 {
		return fmt.Errorf("%s received nothing, want %s", a.name, strings.Join(s.words, " "))
	}
	got := a.inbox[0]
	a.inbox = a.inbox[1:]
	if len(s.words) > 1 && s.words[len(s.words)-1] == "again" {
		if !bytes.Equal(got.raw, a.last.raw) {
			return fmt.Errorf("%s received, want the same bytes again:\n%s\nbefore:\n%s",
				a.name, got.raw, a.last.raw)
		}
		s.words = s.words[:len(s.words)-1]
	}
	if err := r.compare(a, s, got); err != nil {
		return fmt.Errorf("%s received\n%s\n%w", a.name, indent(got.raw), err)
	}
	a.last = got
	a.learn(got)
	return nil
}

func (r *runner) silence(a *agent, s *step) error {
	d := time.Duration(0)
	if s.word(1) == "for" {
		var err error
		if d, err = time.ParseDuration(s.word(2)); err != nil {
			return err
		}
	}
	r.net.Run(r.net.Now().Add(d))
	if len(a.inbox) > 0 {
		return fmt.Errorf("%s received\n%s\nwant nothing", a.name, indent(a.inbox[0].raw))
	}
	return nil
}

func (r *runner) compare(a *agent, s *step, got arrival) error {
	m := got.m
	if s.status() != 0 {
		if m.status() != s.words[0] {
			return fmt.Errorf("want %s", s.words[0])
		}
		if w := s.word(1); w != "" && m.method() != w {
			return fmt.Errorf("want a response to %s, got one to %s", w, m.method())
		}
	} else {
		if !m.isRequest() || m.method() != s.words[0] {
			return fmt.Errorf("want %s", s.words[0])
		}
		want, err := r.expand(s.word(1))
		if err != nil {
			return err
		}
		if want != "" && m.ruri() != want {
			return fmt.Errorf("want Request-URI %s", want)
		}
	}
	if at := s.opts["at"]; at != "" {
		want, err := time.ParseDuration(at)
		if err != nil {
			return err
		}
		if d := got.at - want; d < -20*time.Millisecond || d > 20*time.Millisecond {
			return fmt.Errorf("want at %v, got at %v", want, got.at)
		}
	}
	if tag := s.opts["tag"]; tag != "" && param(m.get("To"), "tag") != tag {
		return fmt.Errorf("want To tag %s", tag)
	}
	for _, f := range s.fields {
		if err := r.compareField(m, f); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) compareField(m *text, f fieldRule) error {
	want, err := r.expand(f.value)
	if err != nil {
		return err
	}
	got := m.get(f.name)
	switch {
	case f.name == "body":
		got, want = m.body, strings.ReplaceAll(want, `\n`, "\r\n")
	case f.name == "reason":
		_, got, _ = strings.Cut(strings.TrimPrefix(m.start, "SIP/2.0 "), " ")
	case f.op == '-':
		if m.has(f.name) {
			return fmt.Errorf("want no %s, got %q", f.name, got)
		}
		return nil
	case !m.has(f.name):
		return fmt.Errorf("want %s, got none", f.name)
	}
	if f.op == '~' {
		re, err := regexp.Compile(want)
		if err != nil {
			return err
		}
		if !re.MatchString(got) {
			return fmt.Errorf("%s: want a match of %s, got %s", f.name, want, got)
		}
		return nil
	}
	if got != want {
		return fmt.Errorf("%s: want %s\n%*s got %s", f.name, want, len(f.name)+1, "", got)
	}
	return nil
}

func indent(b []byte) string {
	return "\t" + strings.ReplaceAll(strings.TrimRight(string(b), "\r\n"), "\r\n", "\r\n\t")
}
