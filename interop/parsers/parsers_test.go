package parsers_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/corpustest"
	"github.com/gosegue/upgrade/internal/oracle"
)

var update = flag.Bool("update", false, "write the tables in "+answersFile+" instead of comparing with them")

// answersFile holds the answers of all peers to all inputs, as Markdown. Each table stands
// between two comments.
const answersFile = "../../docs/answers.md"

// The answers of the peers have not changed. If a peer changes, review its new answers and
// run this test with -update.
func TestAnswers(t *testing.T) {
	text := readFile(t, answersFile)
	for _, part := range []struct {
		name string
		got  string
	}{
		{"peers", table(answersOf(t, peers), versions(t))},
		{"gate", comparison(answersOf(t, libraries()), answersOf(t, gated()))},
	} {
		before, old, after := cut(t, answersFile, text, part.name)
		if d := cmp.Diff(strings.Split(old, "\n"), strings.Split(part.got, "\n")); d != "" && !*update {
			t.Errorf("%s, %s (-want +got):\n%s", answersFile, part.name, d)
		}
		text = before + part.got + after
	}
	if !*update || t.Failed() { // with -update it fails only if an answer that must be right is wrong
		return
	}
	if err := os.WriteFile(answersFile, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// answersOf asks each peer all inputs. It fails if a peer that must be right is wrong.
func answersOf(t *testing.T, peers []peer) []column {
	t.Helper()
	var columns []column
	for _, p := range peers {
		ask := p.start(t)
		c := column{peer: p}
		for _, in := range inputs {
			a := ask(t, in)
			if p.sure && (a.text == "" || !a.right(in.want)) {
				t.Errorf("%s: %s answers %q, want %s", p.name, in, a.text, in.want)
			}
			c.answers = append(c.answers, a)
		}
		columns = append(columns, c)
	}
	return columns
}

// column is a peer in a table, with its answers in the order of inputs.
type column struct {
	peer
	answers []answer
}

// table returns the answers as Markdown, with a mark at wrong ones, and a list of the peers.
func table(columns []column, versions map[string]string) string {
	var b strings.Builder
	writeTable(&b, columns)
	b.WriteByte('\n')
	for _, p := range peers {
		fmt.Fprintf(&b, "- %s: ", p.name)
		if p.module != "" {
			fmt.Fprintf(&b, "%s %s, ", p.module, versions[p.module])
		}
		b.WriteString(p.what + "\n")
	}
	return b.String()
}

// comparison returns the answers of each library beside its answers behind a Gate.
func comparison(bare, gated []column) string {
	var columns []column
	for i := range bare {
		columns = append(columns, bare[i], gated[i])
	}
	var b strings.Builder
	writeTable(&b, columns)
	return b.String()
}

func writeTable(b *strings.Builder, columns []column) {
	b.WriteString("| request | right |")
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for i, in := range inputs {
		fmt.Fprintf(b, "| %s | %s |", in, in.want)
		for _, c := range columns {
			switch a := c.answers[i]; {
			case a.text == "":
				b.WriteString(" - |")
			case a.right(in.want):
				fmt.Fprintf(b, " %s |", a.text)
			default:
				fmt.Fprintf(b, " ❌ %s |", a.text)
			}
		}
		b.WriteByte('\n')
	}
	b.WriteString("| wrong | |")
	for _, c := range columns {
		asked, wrong := 0, 0
		for i, a := range c.answers {
			if a.text == "" {
				continue
			}
			asked++
			if !a.right(inputs[i].want) {
				wrong++
			}
		}
		fmt.Fprintf(b, " %d of %d |", wrong, asked)
	}
	b.WriteByte('\n')
}

// cut returns the part of a text between two comments that name it, and the rest.
func cut(t *testing.T, file, text, name string) (before, part, after string) {
	t.Helper()
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
	before, rest, found := strings.Cut(text, begin)
	part, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s lacks %q or %q", file, begin, end)
	}
	return before + begin, part, end + after
}

// versions returns the versions of the modules that go.mod requires. A test binary does not
// know them.
func versions(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]string)
	for _, r := range mod.Require {
		versions[r.Path] = r.Version
	}
	for _, p := range peers {
		if p.module != "" && versions[p.module] == "" {
			t.Fatalf("go.mod does not require %s", p.module)
		}
	}
	return versions
}

// README.md repeats some rows and columns of the table, with the same answers.
func TestReadmeHasPartOfTheTable(t *testing.T) {
	_, table, _ := cut(t, answersFile, readFile(t, answersFile), "peers")
	all, part := rowsOf(table), rowsOf(readFile(t, "../../README.md"))
	if len(part) < 5 {
		t.Fatalf("README.md has %d rows", len(part))
	}
	for request, row := range part {
		for name, cell := range row {
			if want := all[request][name]; cell != want || want == "" {
				t.Errorf("README.md: %s, %s: %q, want %q", request, name, cell, want)
			}
		}
	}
}

// rowsOf returns the cells of the first table of answers in text, by request and column.
func rowsOf(text string) map[string]map[string]string {
	const first = "| request | right |"
	_, rest, _ := strings.Cut(text, first)
	rows := make(map[string]map[string]string)
	var names []string
	for line := range strings.Lines(first + rest) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			return rows
		case names == nil:
			names = cells
		case strings.HasPrefix(line, "|---"):
		default:
			row := make(map[string]string)
			for i, cell := range cells[:min(len(cells), len(names))] {
				row[names[i]] = cell
			}
			rows[cells[0]] = row
		}
	}
	return rows
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Peers get the requests of the corpus that can be sent to a WebSocket server. The test
// prints wrong answers, and fails if a peer that must be right gives one.
func TestCorpus(t *testing.T) {
	inputs, names := requests(t)
	for _, p := range slices.Concat(peers, gated()) {
		ask := p.start(t)
		asked, wrong := 0, 0
		for i, in := range inputs {
			a := ask(t, in)
			if a.text == "" {
				continue
			}
			asked++
			if a.right(in.want) {
				continue
			}
			wrong++
			report := t.Logf
			if p.sure {
				report = t.Errorf
			}
			report("%s: %s: %s answers %q, want %s", p.name, names[i], in, a.text, in.want)
		}
		t.Logf("%s: %d wrong of %d", p.name, wrong, asked)
		if asked == 0 || p.sure && asked != len(inputs) {
			t.Errorf("%s: asked %d of %d", p.name, asked, len(inputs))
		}
	}
}

// requests returns the cases of request.json as inputs, with their names there.
func requests(t *testing.T) (inputs []input, names []string) {
	t.Helper()
	ask := oracle.Product{Name: "websocket"}
	for _, c := range corpus.Read[corpus.Request](t, "../../testdata/request.json") {
		in := input{want: ordinary}
		if c.Version != "1.1" {
			in.version = c.Version
		}
		for _, value := range c.Connection.Strings() {
			in.lines = append(in.lines, "Connection: "+value)
		}
		for _, value := range c.Upgrade.Strings() {
			in.lines = append(in.lines, "Upgrade: "+value)
		}
		// A WebSocket server must switch if the offer is for WebSocket. The test cannot
		// send a request without one of the fields, with a line end in a field, or of a
		// version with another message format.
		for _, p := range corpustest.Products(c.Products) {
			if oracle.Matches(p, ask) {
				in.want = switches
			}
		}
		if len(c.Connection) == 0 || len(c.Upgrade) == 0 || strings.Contains(strings.Join(in.lines, ""), "\n") ||
			!strings.HasPrefix(c.Version, "1.") {
			continue
		}
		inputs, names = append(inputs, in), append(names, c.Name)
	}
	if len(inputs) < 80 {
		t.Fatalf("only %d requests", len(inputs))
	}
	return inputs, names
}
