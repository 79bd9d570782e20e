package rates

import (
	"bufio"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// million writes a file of a million prefixes of 7 and 9 digits, and gives numbers that begin so.
func million(t testing.TB) (path string, numbers [][]byte, sets []string) {
	path = filepath.Join(t.TempDir(), "rates.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		sets = append(sets, fmt.Sprint("carrier", i))
	}
	w, random := bufio.NewWriter(f), rand.New(rand.NewPCG(3, 4))
	fmt.Fprintln(w, "prefix,gateways,cost,hours,attributes")
	for i := range 1_000_000 {
		prefix, hours := 1_000_000+i*7, ""
		if i%2 == 0 {
			prefix, hours = 100_000_000+i*777, "mon-fri 08:00-18:00 Europe/Berlin"
		}
		fmt.Fprintf(w, "%d,%s %s,0.%04d,%s,rate-%d\n", prefix, sets[random.IntN(10)],
			sets[random.IntN(10)], random.IntN(10000), hours, i)
		if i%50 < 2 {
			numbers = append(numbers, fmt.Appendf(nil, "%d4711", prefix))
		}
	}
	if err := cmp.Or(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	rand.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	return path, numbers, sets
}

func readMillion(t testing.TB, path string, sets []string) *Table {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := ReadCSV(f, 1_000_000, sets)
	if err != nil || table.Len() != 1_000_000 {
		t.Fatal(err)
	}
	return table
}

// live is what is on the heap when garbage is gone, in bytes.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A million prefixes take less than 300 MB with all that reading them takes, and a look-up less
// than 2 µs.
func TestMillion(t *testing.T) {
	if os.Getenv("SIPEDGE_SOAK") == "" {
		t.Skip("SIPEDGE_SOAK is not set")
	}
	path, numbers, sets := million(t)
	before, begin := live(), time.Now()
	table := readMillion(t, path, sets)
	took, heap, resident := time.Since(begin), live()-before, resident(t)
	look := time.Hour
	for range 20 { // the best of them: others use the machine as well
		const n = 100_000
		used := cpu(t)
		lookups(t, table, numbers, n)
		look = min(look, (cpu(t)-used)/n)
	}
	t.Logf("%d rows: heap %d MB, resident %d MB at most, read in %v, a look-up takes %v of CPU",
		table.Len(), heap>>20, resident>>20, took, look)
	if resident > 300<<20 {
		t.Error("more than 300 MB")
	}
	if look > 2*time.Microsecond {
		t.Error("a look-up takes more than 2 µs")
	}
	runtime.KeepAlive(table)
}

// cpu is what the process has used so far.
func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is what the process has of the memory, at most so far, in bytes.
func resident(t *testing.T) uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	n, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

func lookups(t testing.TB, table *Table, numbers [][]byte, n int) {
	q := Query{Now: monday, Random: rand.Uint64}
	var buf [Most]Way
	for i := range n {
		q.Number = numbers[i%len(numbers)]
		if len(table.Find(buf[:0], &q)) == 0 {
			t.Fatalf("nothing found for %s", q.Number)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	path, numbers, sets := million(b)
	table := readMillion(b, path, sets)
	b.ReportAllocs()
	b.ResetTimer()
	lookups(b, table, numbers, b.N)
}

// A look-up allocates nothing.
func TestFindAllocates(t *testing.T) {
	table := read(t, `prefix,gateways,group,hours,cost
49,cheap,gold,mon-fri Europe/Berlin,
49,dear,,,0.1
49,spare,,,0.1
4,spare,,,
,cheap,,,
`)
	q := Query{
		Number: []byte("4930123"), Group: []byte("gold"), Now: monday, Shorter: true,
		Random: rand.Uint64,
	}
	var buf [Most]Way
	if n := testing.AllocsPerRun(100, func() { table.Find(buf[:0], &q) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
