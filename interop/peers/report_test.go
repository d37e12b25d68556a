package peers

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// This file keeps the table of results: one row for each peer and scenario.

var update = flag.Bool("update", false, "write testdata/battery, and the table of results in docs/peers.md")

// row is a line of the table.
type row struct {
	peer, version, scenario, result string
	seconds                         float64
}

var results struct {
	sync.Mutex
	rows []row
}

// peer is somebody else's program or library.
type peer struct{ name, version string }

// scenario tests one thing that a peer can do, and puts the result in the table.
func (p peer) scenario(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	p.record(t, name, "passed", f)
}

// limit is scenario for what the peer cannot do: the test fails on the day that the
// peer can.
func (p peer) limit(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	p.record(t, name, "limit of the peer", f)
}

func (p peer) record(t *testing.T, name, passed string, f func(t *testing.T)) {
	t.Helper()
	begin := time.Now()
	t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
		t.Cleanup(func() {
			r := row{peer: p.name, version: p.version, scenario: name, result: passed, seconds: time.Since(begin).Seconds()}
			switch {
			case t.Failed():
				r.result = "FAILED"
			case t.Skipped():
				r.result = "skipped"
			}
			results.Lock()
			defer results.Unlock()
			results.rows = append(results.rows, r)
		})
		f(t)
	})
}

var number = regexp.MustCompile(`\d+(\.\d+)+`)

// version runs a program and returns the first version number that it prints.
func version(t testing.TB, path string, args ...string) string {
	t.Helper()
	cmd := command(t, path, args...)
	out, err := cmd.CombinedOutput()
	v := number.FindString(string(out))
	if v == "" {
		t.Fatalf("%s %s printed no version: %v\n%s", path, strings.Join(args, " "), err, out)
	}
	return v
}

// table returns the results as a table in Markdown.
func table() string {
	results.Lock()
	defer results.Unlock()
	rows := slices.Clone(results.rows)
	slices.SortStableFunc(rows, func(a, b row) int { return strings.Compare(strings.ToLower(a.peer), strings.ToLower(b.peer)) })
	var b strings.Builder
	b.WriteString("| peer | version | scenario | result | seconds |\n|---|---|---|---|---:|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f |\n", r.peer, r.version, r.scenario, r.result, r.seconds)
	}
	return b.String()
}

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "interop")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs.dir = dir
	code := m.Run()
	if err := report(code); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// report prints the table and writes it to interop/output, and with -update to docs/peers.md.
func report(code int) error {
	if len(results.rows) == 0 {
		return nil
	}
	text := table()
	fmt.Print(text)
	output := filepath.Join("..", "output")
	if err := os.MkdirAll(output, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(output, "peers.md"), []byte(text), 0o644); err != nil {
		return err
	}
	if part := flag.Lookup("test.run").Value.String(); !*update || code != 0 || part != "" {
		return nil
	}
	return updateTable(filepath.Join("..", "..", "docs", "peers.md"), time.Now().Format(time.DateOnly)+":\n\n"+text)
}

const tableBegin, tableEnd = "<!-- interop: begin -->\n", "<!-- interop: end -->\n"

// updateTable replaces the text between tableBegin and tableEnd.
func updateTable(path, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(page), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		return fmt.Errorf("%s has no place for the table", path)
	}
	return os.WriteFile(path, []byte(before+tableBegin+text+tableEnd+after), 0o644)
}

// programs are the commands of this repository that were built for the tests.
var programs struct {
	sync.Mutex
	dir   string
	built map[string]string
}

// program builds a package of this module and returns the path of the command.
func program(t testing.TB, pkg string) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	if path, ok := programs.built[pkg]; ok {
		return path
	}
	path := filepath.Join(programs.dir, filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	if programs.built == nil {
		programs.built = map[string]string{}
	}
	programs.built[pkg] = path
	return path
}

// example starts an example server, with those flags, and returns its address.
func example(t testing.TB, name string, flags ...string) string {
	t.Helper()
	_, address := startExample(t, name, flags...)
	return address
}

// startExample is example for a test that stops the server itself.
func startExample(t testing.TB, name string, flags ...string) (*daemon, string) {
	t.Helper()
	d := start(t, command(t, program(t, "../examples/"+name), append([]string{"-listen", "127.0.0.1:0"}, flags...)...))
	line := d.firstLine(t)
	address, ok := strings.CutPrefix(line, "listening on ")
	if !ok {
		t.Fatalf("%s printed %q\n%s", name, line, d.printed())
	}
	return d, address
}

// both runs a test against an example, over net/http and on the raw acceptor, through a
// tap that records what both sides say.
func both(t *testing.T, name string, f func(t *testing.T, tap *tap)) {
	t.Run("httpupgrade", func(t *testing.T) { f(t, newTap(t, example(t, name))) })
	t.Run("netupgrade", func(t *testing.T) { f(t, newTap(t, example(t, name, "-raw"))) })
}
