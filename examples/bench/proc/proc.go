// Package proc tells what the processes of a server take of the machine, as Linux counts it.
// Its one law: a server is a process and all that came of it; what it shares counts once.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Family is a process and those that came of it, by their ids.
type Family []int

// Of returns the family of a process as it is now.
func Of(pid int) (Family, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	parents := make(map[int]int, len(stats))
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// Behind the name, which may hold anything: the state, then the parent.
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if len(fields) > 1 {
			parents[id], _ = strconv.Atoi(fields[1])
		}
	}
	var all Family
	for id := range parents {
		for p := id; p > 1; p = parents[p] {
			if p == pid {
				all = append(all, id)
				break
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
	}
	return all, nil
}

// CPU is its processor time, that of threads that have ended too.
func (f Family) CPU() (sum time.Duration) {
	for _, id := range f {
		sum += clock(id)
	}
	return sum
}

// Memory is what it has in memory, in bytes.
type Memory struct {
	RSS int64 // a page counts once for each process that has it
	PSS int64 // a page counts once
}

// Memory reads it.
func (f Family) Memory() (sum Memory, err error) {
	for _, id := range f {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", id))
		if err != nil {
			return sum, err
		}
		for line := range strings.Lines(string(b)) {
			var kb int64
			if _, err := fmt.Sscanf(line, "Rss: %d kB", &kb); err == nil {
				sum.RSS += kb << 10
			} else if _, err := fmt.Sscanf(line, "Pss: %d kB", &kb); err == nil {
				sum.PSS += kb << 10
			}
		}
	}
	return sum, nil
}
