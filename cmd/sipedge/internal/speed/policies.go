//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// task is a command over a file.
type task struct {
	name    string
	command []string
	file    string // the last argument
	write   func(w io.Writer)
	runs    int
	goals   goals
}

// goals of a task: milliseconds, or cases a second at least.
type goals struct {
	ms, cases float64
	mb        float64 // 0: none
}

const cases = 10_000 // of a test file

// tasks in order of what this program needs for them: see run.
var tasks = []task{
	{"validate 50 rules in YAML", validate, "50.yaml", yaml(50), 50, goals{ms: 40, mb: 40}},
	{"validate 50 rules in CUE", validate, "50.cue", cue(50), 50, goals{ms: 80}},
	{"validate 1,000 rules", validate, "1k.yaml", yaml(1000), 20, goals{ms: 600}},
	{"test 10,000 cases of 50 rules", test, "50.test.yaml", tests(50), 7, goals{cases: 5000}},
	{"validate a table of 1,000,000 rows", validate, "rows.yaml", rowsPolicy, 5, goals{ms: 800}},
	{"validate 10,000 rules", validate, "10k.yaml", yaml(10_000), 5, goals{ms: 5000, mb: 400}},
}

var (
	validate = []string{"validate", "--strict"}
	test     = []string{"test"}
)

func yaml(n int) func(io.Writer)  { return func(w io.Writer) { newPlan(n).yaml(w) } }
func cue(n int) func(io.Writer)   { return func(w io.Writer) { newPlan(n).cue(w) } }
func tests(n int) func(io.Writer) { return func(w io.Writer) { newPlan(n).tests(w, cases) } }

// rowsPolicy is a policy about the numbers in rows.csv.
func rowsPolicy(w io.Writer) {
	io.WriteString(w, `version: 1
listen: [{udp: "192.0.2.10:5060"}]
domains: [example.net]
vars: {avp.customer: string}
tables: {numbers: {map: {file: rows.csv}}}
routes:
  request:
    - name: a number of ours
      match: {uri: {myself: true, user: {in: numbers}}}
      do:
        - query: {table: numbers, key: "{ruri.user}", into: avp.customer}
        - set_header: {X-Customer: "{avp.customer}"}
        - relay: {to: "sip:198.51.100.1"}
    - name: nobody of ours
      do: [{reply: {code: 404}}]
`)
}

// rows are numbers and who has them.
func writeRows(w io.Writer) {
	for i := range 1_000_000 {
		fmt.Fprintf(w, "+4930%07d,customer-%d\n", i*7, i*31%50_000)
	}
}

// policies measures the tasks; what they need is written into dir.
func policies(program, dir string) (rows []row, err error) {
	if err := create(filepath.Join(dir, "rows.csv"), writeRows); err != nil {
		return nil, err
	}
	for _, t := range tasks {
		path := filepath.Join(dir, t.file)
		if err := create(path, t.write); err != nil {
			return rows, err
		}
		c, err := run(t.runs, program, append(t.command[:len(t.command):len(t.command)], path)...)
		if err != nil {
			return rows, err
		}
		rows = append(rows, t.rows(c)...)
	}
	return rows, nil
}

// rows holds a cost against the goals.
func (t *task) rows(c cost) []row {
	took := atMost(t.name, ms(c.wall), "ms", t.goals.ms)
	if t.goals.cases > 0 {
		took = atLeast(t.name, cases/c.wall.Seconds(), "cases/s", t.goals.cases)
	}
	memory := known("  memory", c.mb(), "MB")
	if t.goals.mb > 0 {
		memory = atMost("  memory", c.mb(), "MB", t.goals.mb)
	}
	return []row{took, known("  processor time", ms(c.cpu), "ms"), memory}
}

func create(path string, write func(io.Writer)) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	write(w)
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
