package mi

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/jsonrpc"
)

// ofProcess are the methods of OpenSIPS's core, and those that read data again: here that is the
// policy, and its tables.
var ofProcess = []Method{
	{Name: "uptime", Help: "Since when it runs.", do: uptime},
	{Name: "version", Help: "Which program runs.", do: version},
	{Name: "ps", Help: "What is under way: listeners, backends, goroutines by what they run.", do: ps},
	{Name: "which", Help: "The methods.", do: which},
	{Name: "help", Help: "What a method does.", Params: []string{"mi_cmd"}, Need: 1, do: help},
	{Name: "log_level", Help: "The level of the log, or sets it: 4 debug, 3 info, 1 warn, -1 error.",
		Params: []string{"level"}, do: logLevel},
	{Name: "get_statistics", Help: "Counters whose names, those of /metrics, begin so; all: all.",
		Params: []string{"statistics"}, Need: 1, List: "statistics", do: statistics},
	{Name: "reload_routes", Help: "Reads the policy again and swaps it whole.", do: reload},
	{Name: "ds_reload", Help: "As reload_routes.", Params: []string{"partition"}, do: reload},
	{Name: "dr_reload", Help: "Reads all tables in databases again, within seconds.",
		Params: []string{"partition_name"}, do: refresh},
	{Name: "domain_reload", Help: "As dr_reload.", do: refresh},
	{Name: "address_reload", Help: "As dr_reload.", Params: []string{"partition"}, do: refresh},
	{Name: "rtpengine_reload", Help: "As reload_routes.", Params: []string{"type"}, do: reload},
	{Name: "kill", Help: "Ends the server at once, as stop does.", do: kill},
}

func uptime(ctx context.Context, to *control.Client, _ params) (any, error) {
	var u control.Uptime
	if err := to.Do(ctx, "uptime", nil, nil, &u); err != nil {
		return nil, err
	}
	return struct {
		Now   string `json:"Now"`
		Since string `json:"Up since"`
		Time  string `json:"Up time"`
	}{
		u.Now.Local().Format(time.ANSIC), u.Since.Local().Format(time.ANSIC),
		fmt.Sprintf("%d [sec]", int64(u.Seconds)),
	}, nil
}

func version(ctx context.Context, to *control.Client, _ params) (any, error) {
	var v control.Version
	if err := to.Do(ctx, "version", nil, nil, &v); err != nil {
		return nil, err
	}
	return struct {
		Server string `json:"Server"`
	}{fmt.Sprintf("sipedge (%s (%s))", v.Version, v.System)}, nil
}

// process is what OpenSIPS has a process for.
type process struct {
	ID    int    `json:"ID"`
	PID   int    `json:"PID"`
	Type  string `json:"Type"`
	Count int    `json:"Count,omitempty"` // of goroutines
	Level *int   `json:"Log level,omitempty"`
}

type processes struct {
	List []process `json:"Processes"`
}

func ps(ctx context.Context, to *control.Client, _ params) (any, error) {
	var w control.Work
	if err := to.Do(ctx, "ps", nil, nil, &w); err != nil {
		return nil, err
	}
	var all processes
	add := func(kind string, count int) {
		all.List = append(all.List, process{
			ID: len(all.List), PID: os.Getpid(), Type: kind, Count: count,
		})
	}
	for _, l := range w.Listeners {
		add("SIP receiver "+l.Transport+":"+l.Address, 0)
	}
	for _, b := range w.Backends {
		add("backend "+b.Name+" ("+b.Driver+")", 0)
	}
	for _, g := range w.Goroutines {
		add("goroutine "+g.Function, g.Count)
	}
	return all, nil
}

func which(context.Context, *control.Client, params) (any, error) {
	var names []string
	for _, m := range methods {
		names = append(names, m.Name)
	}
	return names, nil
}

func help(_ context.Context, _ *control.Client, p params) (any, error) {
	m := find(p["mi_cmd"])
	if m == nil {
		return nil, jsonrpc.Refuse(404, "unknown MI command")
	}
	text := m.Help
	if len(m.Params) > 0 {
		text += " Params: " + strings.Join(m.Params, ", ") + "."
	}
	return struct {
		Help string `json:"Help"`
	}{text}, nil
}

// levels are what OpenSIPS calls the levels of the log.
var levels = map[string]int{"debug": 4, "info": 3, "warn": 1, "error": -1}

func logLevel(ctx context.Context, to *control.Client, p params) (any, error) {
	var now control.LogLevel
	if p["level"] == "" {
		if err := to.Do(ctx, "log_level", nil, nil, &now); err != nil {
			return nil, err
		}
		level := levels[now.Level]
		return processes{[]process{{PID: os.Getpid(), Type: "sipedge", Level: &level}}}, nil
	}
	want := p["level"]
	for name, n := range levels {
		if want == strconv.Itoa(n) {
			want = name
		}
	}
	if _, ok := levels[want]; !ok {
		return nil, bad("level is 4, 3, 1 or -1, or %s, not %q",
			strings.Join(slices.Sorted(maps.Keys(levels)), ", "), want)
	}
	if err := to.Do(ctx, "set_log_level", nil, control.LogLevel{Level: want}, &now); err != nil {
		return nil, err
	}
	return struct {
		Level int `json:"New global log level"`
	}{levels[now.Level]}, nil
}

func statistics(ctx context.Context, to *control.Client, p params) (any, error) {
	q := url.Values{}
	if p["statistics"] != "all" {
		q["name"] = strings.Fields(p["statistics"])
	}
	var all control.Statistics
	if err := to.Do(ctx, "statistics", q, nil, &all); err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for i := range all.Statistics {
		values[all.Statistics[i].Series()] = all.Statistics[i].Value
	}
	return values, nil
}

func reload(ctx context.Context, to *control.Client, _ params) (any, error) {
	return done, to.Do(ctx, "reload", nil, nil, new(control.Reload))
}

func refresh(ctx context.Context, to *control.Client, _ params) (any, error) {
	return done, to.Do(ctx, "refresh_tables", nil, nil, new(control.Refreshed))
}

func kill(ctx context.Context, to *control.Client, _ params) (any, error) {
	return done, to.Do(ctx, "stop", nil, nil, new(control.Drain))
}
