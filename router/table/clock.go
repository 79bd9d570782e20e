package table

import (
	"time"

	"sipedge/router/hours"
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

func compileTime(c *compiler, v *schema.Value) []condition {
	s := hours.Span{Days: hours.EveryDay, To: 24 * 60, Zone: time.UTC}
	if days := v.Get("days"); days.Kind == schema.List {
		s.Days = hours.On(texts(days))
	}
	if from := v.Get("from"); from.Kind == schema.String {
		s.From = hours.Minute(from.S)
	}
	if to := v.Get("to"); to.Kind == schema.String {
		s.To = hours.Minute(to.S)
	}
	if s.From == s.To {
		c.refuse(v.Get("to"), schema.BadValue, "from and to are the same minute")
	}
	if zone := v.Get("zone"); zone.Kind == schema.String {
		var ok bool
		if s.Zone, ok = hours.Zone(zone.S); !ok {
			c.refuse(zone, schema.BadValue, "%q is not a time zone; write it like Europe/Berlin",
				zone.S)
			return nil
		}
	}
	return one(cheap, func(f *facts) bool {
		now := f.Now
		if now.IsZero() {
			now = time.Now()
		}
		return s.Has(now)
	})
}
