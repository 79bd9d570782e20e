// Package hours is spans of the week: some days, from one minute up to, not including, another.
// Its one law: a span over midnight belongs to the day it begins on.
package hours

import (
	"slices"
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
