package table

import (
	"slices"
	"time"
	_ "time/tzdata" // zones wherever the program runs

	"sipedge/schema"
)

var timeMatchers = []matcher{{
	Field: schema.Field{
		Name: "time", Where: schema.Anywhere,
		Doc: "When the run began: the days of the week, and the time of day from one minute up " +
			"to, not including, another. A span over midnight belongs to the day it begins on.",
		Schema: `{
	// Days of the week, all unless set.
	days?: [#Day, ...#Day]
	// The first minute, 00:00 unless set.
	from?: #Clock
	// The minute behind the last one, 24:00 unless set.
	to?: #Clock
	// The time zone, like Europe/Berlin; UTC unless set.
	zone?: string
} @says("a map of days, from, to and zone")`,
	},
	compile: compileTime,
}}

var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func compileTime(c *compiler, v *schema.Value) []condition {
	s := span{to: 24 * 60, zone: time.UTC, days: 1<<len(days) - 1}
	if list := v.Get("days"); list.Kind == schema.List {
		s.days = 0
		for _, name := range texts(list) {
			s.days |= 1 << slices.Index(days, name)
		}
	}
	if from := v.Get("from"); from.Kind == schema.String {
		s.from = minute(from.S)
	}
	if to := v.Get("to"); to.Kind == schema.String {
		s.to = minute(to.S)
	}
	if s.from == s.to {
		c.refuse(v.Get("to"), schema.BadValue, "from and to are the same minute")
	}
	if zone := v.Get("zone"); zone.Kind == schema.String {
		z, err := time.LoadLocation(zone.S)
		if err != nil || zone.S == "Local" {
			c.refuse(zone, schema.BadValue, "%q is not a time zone; write it like Europe/Berlin", zone.S)
			return nil
		}
		s.zone = z
	}
	return one(cheap, func(f *facts) bool {
		now := f.Now
		if now.IsZero() {
			now = time.Now()
		}
		return s.has(now)
	})
}

// minute reads a checked #Clock: minutes since midnight.
func minute(s string) int {
	return int(s[0]-'0')*600 + int(s[1]-'0')*60 + int(s[3]-'0')*10 + int(s[4]-'0')
}

// span is a part of some days of the week.
type span struct {
	days     int // a bit each, Sunday the first
	from, to int // minutes since midnight; to is less than from over midnight
	zone     *time.Location
}

func (s *span) has(t time.Time) bool {
	t = t.In(s.zone)
	hour, minutes, _ := t.Clock()
	now, day := hour*60+minutes, t.Weekday()
	if s.from < s.to {
		return s.days&(1<<day) != 0 && s.from <= now && now < s.to
	}
	if now < s.to {
		day = (day + 6) % 7 // it began yesterday
		return s.days&(1<<day) != 0
	}
	return s.days&(1<<day) != 0 && now >= s.from
}
