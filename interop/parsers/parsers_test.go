package parsers_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/internal/corpustest"
	"github.com/gosegue/upgrade/internal/oracle"
)

var update = flag.Bool("update", false, "write "+tableFile+" instead of comparing with it")

// tableFile holds the answers of all peers to all inputs, as Markdown.
const tableFile = "testdata/table.md"

// Peers answer as they did. When one of them changes, look at its new answers and run
// this again with -update; docs/answers.md is then to have the new table.
func TestAnswers(t *testing.T) {
	answers := make([][]answer, len(peers)) // by peer and input
	for i, p := range peers {
		ask := p.start(t)
		for _, in := range inputs {
			a := ask(t, in)
			if p.isOurs() && (a.text == "" || !a.right(in.want)) {
				t.Errorf("%s: %s answers %q, want %s", p.name, in, a.text, in.want)
			}
			answers[i] = append(answers[i], a)
		}
	}
	if t.Failed() {
		return // it is not the peers that are wrong
	}
	got := table(answers, versions(t))
	if *update {
		if err := os.WriteFile(tableFile, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.Split(readFile(t, tableFile), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", tableFile, d)
	}
}

// table writes the answers as Markdown, with a mark at the wrong ones.
func table(answers [][]answer, versions map[string]string) string {
	var b strings.Builder
	b.WriteString("| request | right |")
	for _, p := range peers {
		fmt.Fprintf(&b, " %s |", p.name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(peers)) + "\n")
	asked, wrong := make([]int, len(peers)), make([]int, len(peers))
	for j, in := range inputs {
		fmt.Fprintf(&b, "| %s | %s |", in, in.want)
		for i := range peers {
			a := answers[i][j]
			if a.text == "" {
				b.WriteString(" - |")
				continue
			}
			asked[i]++
			mark := ""
			if !a.right(in.want) {
				wrong[i]++
				mark = "❌ "
			}
			fmt.Fprintf(&b, " %s%s |", mark, a.text)
		}
		b.WriteByte('\n')
	}
	b.WriteString("| wrong | |")
	for i := range peers {
		fmt.Fprintf(&b, " %d of %d |", wrong[i], asked[i])
	}
	b.WriteString("\n\n")
	for _, p := range peers {
		fmt.Fprintf(&b, "- %s: ", p.name)
		if p.module != "" {
			fmt.Fprintf(&b, "%s %s, ", p.module, versions[p.module])
		}
		b.WriteString(p.what + "\n")
	}
	return b.String()
}

// versions returns those of the modules that go.mod requires. (A test binary does not
// know its modules.)
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

func TestDocsHaveTheTable(t *testing.T) {
	const begin, end = "<!-- peers: begin -->\n", "<!-- peers: end -->"
	_, rest, found := strings.Cut(readFile(t, "../../docs/answers.md"), begin)
	got, _, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("docs/answers.md has no table between %q and %q", begin, end)
	}
	if d := cmp.Diff(readFile(t, tableFile), got); d != "" {
		t.Errorf("docs/answers.md (-want +got):\n%s", d)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The requests of the corpus, as far as they can be sent to a WebSocket server: what peers
// make of them is printed, and we ourselves have to be right.
func TestCorpus(t *testing.T) {
	inputs, names := requests(t)
	for _, p := range peers {
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
			if p.isOurs() {
				report = t.Errorf
			}
			report("%s: %s: %s answers %q, want %s", p.name, names[i], in, a.text, in.want)
		}
		t.Logf("%s: %d wrong of %d", p.name, wrong, asked)
		if asked == 0 || p.isOurs() && asked != len(inputs) {
			t.Errorf("%s: asked %d of %d", p.name, asked, len(inputs))
		}
	}
}

// requests returns the cases of request.json as inputs, with the names they have there.
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
		// An offer is one to a server of WebSocket if it is for WebSocket. A field that
		// is absent or a line end in it cannot be asked about here, nor can a version
		// that has another form of message.
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
