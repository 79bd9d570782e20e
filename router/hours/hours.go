// Package hours is times that come again: spans of the week, which are some days, from one minute
// up to, not including, another; and recurrences, a subset of RFC 2445 §4.3.10.
// Its one law: what lasts over midnight belongs to the day it begins on.
package hours

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones wherever the program runs
)

// Span is a part of some days of the week. From and To are minutes since midnight; To is
// before From over midnight.
type Span struct {
	Days     Days
	From, To int
	Zone     *time.Location
}

// Days are some of the week: a bit each, Sunday the first.
type Days int

// EveryDay is the whole week.
const EveryDay Days = 1<<7 - 1

var names = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// On is the days of these names, all of which are known.
func On(days []string) (d Days) {
	for _, name := range days {
		d |= 1 << slices.Index(names, name)
	}
	return d
}

// Minute is the minutes since midnight of a well-formed clock time: 00:00 to 24:00.
func Minute(s string) int {
	return int(s[0]-'0')*600 + int(s[1]-'0')*60 + int(s[3]-'0')*10 + int(s[4]-'0')
}

// Zone is the time zone of a name like Europe/Berlin, wherever the program runs.
func Zone(name string) (zone *time.Location, ok bool) {
	zone, err := time.LoadLocation(name)
	return zone, err == nil && name != "Local"
}

// Has reports whether a time is in the span.
func (s *Span) Has(t time.Time) bool {
	t = t.In(s.Zone)
	hour, minutes, _ := t.Clock()
	now, day := hour*60+minutes, t.Weekday()
	if s.From < s.To {
		return s.Days&(1<<day) != 0 && s.From <= now && now < s.To
	}
	if now < s.To {
		day = (day + 6) % 7 // it began yesterday
		return s.Days&(1<<day) != 0
	}
	return s.Days&(1<<day) != 0 && now >= s.From
}

var clock = regexp.MustCompile(`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

// Parse reads a span: days, times of day, a zone, each of which may be left out: "mon-fri,sun
// 08:00-18:30 Europe/Berlin". Without days it is every day, without times all day, without a zone
// UTC.
func Parse(text string) (s Span, err error) {
	s = Span{EveryDay, 0, 24 * 60, time.UTC}
	words := strings.Fields(text)
	if len(words) > 0 && words[0][0] >= 'a' && words[0][0] <= 'z' {
		if s.Days, err = parseDays(words[0]); err != nil {
			return s, err
		}
		words = words[1:]
	}
	if len(words) > 0 && words[0][0] >= '0' && words[0][0] <= '9' {
		from, to, _ := strings.Cut(words[0], "-")
		if !clock.MatchString(from) || !clock.MatchString(to) || from == to || from == "24:00" {
			return s, fmt.Errorf("%q are no times of day; write them like 08:00-18:30", words[0])
		}
		s.From, s.To, words = Minute(from), Minute(to), words[1:]
	}
	if len(words) > 0 {
		zone, ok := Zone(words[0])
		if !ok {
			return s, fmt.Errorf("%q is no time zone; write it like Europe/Berlin", words[0])
		}
		s.Zone, words = zone, words[1:]
	}
	if len(words) > 0 {
		return s, fmt.Errorf("%q: days, times and a zone, like mon-fri 08:00-18:30 Europe/Berlin", text)
	}
	return s, nil
}

// parseDays reads days and ranges of them: mon-fri,sun. A range may go over the end of the week.
func parseDays(text string) (d Days, err error) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(names, first), slices.Index(names, last)
		if from < 0 || to < 0 {
			return 0, fmt.Errorf("%q are no days; write them like mon-fri,sun", text)
		}
		for ; ; from = (from + 1) % 7 {
			if d |= 1 << from; from == to {
				break
			}
		}
	}
	return d, nil
}
