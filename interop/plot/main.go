// Command plot draws docs/speed/*.svg and writes the tables of docs/speed.md, from the
// figures in measured/*.json. It measures nothing: ../measure.sh does, and then runs plot.
//
//	go run ./plot     in the directory interop
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
)

const (
	measured = "measured"
	page     = "../docs/speed.md"
	drawings = "../docs/speed"
)

// The files of measured/, as ../speed, ../connections and ../tunnels write them.
type (
	speed struct {
		About string
		Rows  []struct {
			Row                  string
			Ratio, Low, High, NS float64
			Allocs               float64
		}
	}
	connections struct {
		About string
		Rows  []struct {
			Server          string
			CPU, CPUOfFloor float64 // microseconds per handshake
			Allocs          float64 // per handshake
			RSS, RSSOfFloor float64 // bytes per connection
			RSSLow, RSSHigh float64
		}
	}
	tunnels struct {
		About string
		Kinds []string
		Rows  []struct {
			What   string
			Values []float64 // one for each kind
			Ratio  float64
		}
	}
	lengths struct {
		About  string
		Points []struct {
			Series string
			Octets int
			NS     float64
		}
	}
)

func main() {
	log.SetFlags(0)
	doc, drawn := render()
	if err := os.MkdirAll(drawings, 0o777); err != nil {
		log.Fatal(err)
	}
	for name, text := range drawn {
		if err := os.WriteFile(filepath.Join(drawings, name), []byte(text), 0o666); err != nil {
			log.Fatal(err)
		}
	}
	if err := os.WriteFile(page, []byte(doc), 0o666); err != nil {
		log.Fatal(err)
	}
}

// render returns the page, and the drawings by file name.
func render() (doc string, drawn map[string]string) {
	text, err := os.ReadFile(page)
	if err != nil {
		log.Fatal(err)
	}
	doc, drawn = string(text), make(map[string]string)
	var (
		s speed
		c connections
		t tunnels
		l lengths
	)
	if read("speed", &s) {
		doc = put(doc, "speed", s.About, s.table())
		drawn["ratios.svg"] = s.plot()
	}
	if read("connections", &c) {
		doc = put(doc, "connections", c.About, c.table())
		drawn["connections.svg"] = c.plot()
	}
	if read("tunnels", &t) {
		doc = put(doc, "tunnels", t.About, t.table())
		drawn["tunnels.svg"] = t.plot()
	}
	if read("lengths", &l) {
		doc = put(doc, "lengths", l.About, "")
		drawn["lengths.svg"] = l.plot()
	}
	return doc, drawn
}

// read reads a file of measured/ and reports whether it exists. A missing file is not drawn.
func read(name string, into any) bool {
	data, err := os.ReadFile(filepath.Join(measured, name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	return true
}

// put replaces the text between the comments that begin and end the table.
func put(doc, name, about, table string) string {
	begin, end := "<!-- measured: "+name+" -->\n", "<!-- end -->\n"
	head, rest, ok := strings.Cut(doc, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		log.Fatalf("%s: no place for %s", page, name)
	}
	body := about + "\n"
	if table != "" {
		body += "\n" + table
	}
	return head + begin + body + end + tail
}

func (s speed) table() string {
	var b strings.Builder
	b.WriteString("| row: ours / other | ratio | spread over layouts | ns | allocs |\n|---|---|---|---|---|\n")
	for _, r := range s.Rows {
		fmt.Fprintf(&b, "| %s | %.2f | %.2f to %.2f | %.1f | %g |\n", r.Row, r.Ratio, r.Low, r.High, r.NS, r.Allocs)
	}
	return b.String()
}

func (c connections) table() string {
	var b strings.Builder
	b.WriteString("| server | CPU us per handshake | of its floor | allocations per handshake | RSS per idle connection | of its floor |\n|---|---|---|---|---|---|\n")
	for _, r := range c.Rows {
		fmt.Fprintf(&b, "| %s | %.1f | %.2f | %.1f | %.0f | %.2f |\n", r.Server, r.CPU, r.CPUOfFloor, r.Allocs, r.RSS, r.RSSOfFloor)
	}
	return b.String()
}

func (t tunnels) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s | of ReverseProxy |\n|---%s|---|\n", strings.Join(t.Kinds, " | "), strings.Repeat("|---", len(t.Kinds)))
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "| %s |", r.What)
		for _, v := range r.Values {
			fmt.Fprintf(&b, " %.2f |", v)
		}
		fmt.Fprintf(&b, " %.2f |\n", r.Ratio)
	}
	return b.String()
}
