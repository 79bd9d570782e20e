//go:build unix

// Command speed measures what a user of policies waits for, and holds it against goals.
// Its one law: it measures the built program as a whole process, over policies as people
// write them. Of several runs the best counts, as what the machine does beside makes the
// others longer; where it is busy all the time, the processor time tells.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
)

func main() {
	program := flag.String("sipedge", "out/sipedge", "the program to measure")
	file := flag.String("json", "", "write the results to this file as well")
	flag.Parse()
	rows, err := measure(*program)
	if err == nil && *file != "" {
		err = writeJSON(*file, rows)
	}
	fmt.Print(table(rows))
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(3)
	case !fine(rows):
		os.Exit(1)
	}
}

// measure takes all measurements. Of an error there are the rows before it.
func measure(program string) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "sipedge-speed-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for _, part := range []func() ([]row, error){
		func() ([]row, error) { return start(program) },
		func() ([]row, error) { return policies(program, dir) },
		decisions,
	} {
		more, err := part()
		if rows = append(rows, more...); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func writeJSON(file string, rows []row) error {
	b, err := json.MarshalIndent(map[string]any{
		"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		"processors": runtime.NumCPU(), "rows": rows,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
