// Vet runs cmd/upgradevet over widely used modules, and writes its findings to docs/vet.md,
// by kind. It is not a test and not part of CI: it downloads some hundred modules, compiles
// them, and takes half an hour.
//
//	go run ./vet                          # all modules; writes docs/vet.md
//	go run ./vet -list gin gws            # only these; prints each finding
//	go run ./vet -modules FILE -list      # those in FILE, a path and a version per line
//	go run ./vet -measure gin gws         # time and memory of the analyzer and of go vet
//
// It applies each suggested fix alone, and compiles the package with this repository's
// module required.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// modules are the modules to analyse, each a path and a version.
var modules = []string{
	"github.com/gin-gonic/gin v1.12.0",
	"github.com/labstack/echo/v4 v4.16.0",
	"github.com/lxzan/gws v1.8.9",
	"github.com/elazarl/goproxy v1.9.3",
	"github.com/lesismal/nbio v1.6.8",
	"github.com/valyala/fasthttp v1.78.0",
	"github.com/nats-io/nats-server/v2 v2.15.2",
	"k8s.io/apimachinery v0.37.2",
	"github.com/99designs/gqlgen v0.17.98",
	"github.com/centrifugal/centrifuge v0.40.1",
	"github.com/oauth2-proxy/oauth2-proxy/v7 v7.15.6",
	"github.com/xtls/xray-core v1.260327.0",
	"github.com/caddyserver/caddy/v2 v2.11.9",
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("vet: ")
	if os.Getenv(measured) != "" {
		os.Exit(measure())
	}
	list := flag.Bool("list", false, "print each finding")
	compare := flag.Bool("measure", false, "measure the analyzer and plain go vet")
	keep := flag.String("keep", "", "keep the copies of the modules in `dir`, so that a second run finds them compiled")
	from := flag.String("modules", "", "read the modules from `file`")
	flag.Parse()
	if err := run(*list, *compare, *keep, *from, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

// result is the result of one module.
type result struct {
	path, version string
	packages      int
	skipped       string // why the module was skipped; empty if it was not
	findings      []finding
	fixes, failed int
	ours, vet     usage
}

func run(list, compare bool, keep, from string, names []string) error {
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "cmd/upgradevet")); err != nil {
		return errors.New("run it in the directory interop")
	}
	work, err := os.MkdirTemp("", "vet")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := bench{root: root, work: work, tool: filepath.Join(work, "upgradevet"), copies: work, list: list, compare: compare}
	if keep != "" {
		if b.copies, err = filepath.Abs(keep); err != nil {
			return err
		}
	}
	if out, err := b.command(filepath.Join(root, "cmd/upgradevet"), nil, "go", "build", "-o", b.tool, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	chosen := modules
	if from != "" {
		if chosen, err = readLines(from); err != nil {
			return err
		}
	}
	var results []result
	for _, module := range chosen {
		path, version, _ := strings.Cut(module, " ")
		if len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(path, name) }) {
			continue
		}
		r := b.vet(path, version)
		log.Print(r)
		results = append(results, r)
	}
	if from != "" || len(results) < len(modules) {
		return nil
	}
	return report(filepath.Join(root, "docs/vet.md"), results)
}

func readLines(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func (r result) String() string {
	if r.skipped != "" {
		return fmt.Sprintf("%s %s: skipped: %s", r.path, r.version, r.skipped)
	}
	text := fmt.Sprintf("%s %s: %d packages, %d findings, %d of %d fixes compile",
		r.path, r.version, r.packages, len(r.findings), r.fixes-r.failed, r.fixes)
	if r.ours.runs > 0 {
		text += fmt.Sprintf("; upgradevet %v; go vet %v", r.ours, r.vet)
	}
	return text
}

// bench has the directories in which modules are analysed, and the options.
type bench struct {
	root, work, tool string
	copies           string
	list, compare    bool
}

// command returns a command whose go commands see no workspace and run one job at a time.
func (b bench) command(dir string, env []string, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=-p=1"), env...)
	return c
}

// vet analyses a copy of one module.
func (b bench) vet(path, version string) result {
	r := result{path: path, version: version}
	skip := func(step string, err error) result {
		r.skipped = step
		log.Printf("%s: %s: %v", path, step, err)
		return r
	}
	dir, err := b.copyModule(path, version)
	if err != nil {
		return skip("cannot be downloaded", err)
	}
	if b.copies == b.work {
		defer os.RemoveAll(dir)
	}
	out, err := b.command(dir, nil, "go", "list", "./...").Output()
	if err != nil {
		return skip("cannot be listed", err)
	}
	r.packages = strings.Count(string(out), "\n")
	if r.findings, err = b.findings(dir, b.tool); err != nil {
		return skip("cannot be compiled", err)
	}
	if b.compare { // by now all imports are compiled
		vet, err := b.command(dir, nil, "go", "tool", "-n", "vet").Output()
		if err == nil {
			_, r.vet, err = b.measured(dir, strings.TrimSpace(string(vet)))
		}
		if err == nil {
			_, r.ours, err = b.measured(dir, b.tool)
		}
		if err != nil {
			log.Printf("%s: cannot be measured: %v", path, err)
		}
	}
	for _, f := range r.findings {
		if b.list {
			fmt.Printf("%s %s: %s: %s\n", path, version, strings.TrimPrefix(f.Posn, dir+"/"), f.Message)
		}
		for _, fix := range f.Fixes {
			r.fixes++
			if err := b.compile(dir, fix); err != nil {
				r.failed++
				fmt.Printf("%s: a fix does not compile: %v\n", f.Posn, err)
			} else if b.list {
				fmt.Printf("\tfix: %s\n", fix.Message)
			}
		}
	}
	return r
}

// copyModule returns a directory that holds a copy of the module.
func (b bench) copyModule(path, version string) (string, error) {
	dir := filepath.Join(b.copies, strings.ReplaceAll(path+"@"+version, "/", "_"))
	if kept, err := filepath.EvalSymlinks(dir); err == nil {
		return kept, nil
	}
	empty, err := os.MkdirTemp(b.work, "empty")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(empty, "go.mod"), []byte("module empty\n"), 0o666); err != nil {
		return "", err
	}
	out, err := b.command(empty, nil, "go", "mod", "download", "-json", path+"@"+version).Output()
	var download struct{ Dir, Error string }
	if json.Unmarshal(out, &download) == nil && download.Error != "" {
		return "", errors.New(download.Error)
	}
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS(download.Dir)); err != nil {
		return "", err
	}
	return dir, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			mode := fs.FileMode(0o666)
			if d.IsDir() {
				mode = 0o777
			}
			err = os.Chmod(path, mode)
		}
		return err
	})
}

// finding is one diagnostic, as go vet -json writes it.
type finding struct {
	Category, Posn, Message string
	Fixes                   []fix `json:"suggested_fixes"`
}

type fix struct {
	Message string
	Edits   []struct {
		Filename   string
		Start, End int
		New        string
	}
}

// findings runs go vet with the tool and returns each finding once: go vet analyses both a
// package and its variant for tests.
func (b bench) findings(dir, tool string, env ...string) ([]finding, error) {
	c := b.command(dir, env, "go", "vet", "-json", "-vettool="+tool, "./...")
	var failure strings.Builder
	c.Stderr = &failure
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %.2000s", err, failure.String())
	}
	var all []finding
	seen := map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var tree map[string]map[string]json.RawMessage
		if err := d.Decode(&tree); err != nil {
			return nil, err
		}
		for _, analyzers := range tree {
			for name, raw := range analyzers {
				var some []finding
				if name != "upgradevet" || json.Unmarshal(raw, &some) != nil {
					continue
				}
				for _, f := range some {
					if key := f.Posn + f.Message; !seen[key] {
						seen[key] = true
						all = append(all, f)
					}
				}
			}
		}
	}
	slices.SortFunc(all, func(x, y finding) int { return strings.Compare(x.Posn, y.Posn) })
	return all, nil
}

// compile applies the fix, and compiles the package with our module required.
func (b bench) compile(dir string, f fix) error {
	if len(f.Edits) == 0 {
		return errors.New("no edits")
	}
	file := f.Edits[0].Filename
	source, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	edits := slices.Clone(f.Edits)
	slices.SortStableFunc(edits, func(x, y struct {
		Filename   string
		Start, End int
		New        string
	}) int {
		return x.Start - y.Start
	})
	var fixed []byte
	at := 0
	for _, e := range edits {
		if e.Start < at {
			return errors.New("edits overlap")
		}
		fixed = append(append(fixed, source[at:e.Start]...), e.New...)
		at = e.End
	}
	fixed = append(fixed, source[at:]...)

	work, err := os.MkdirTemp(b.work, "fix")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	replacement, overlay := filepath.Join(work, "fixed.go"), filepath.Join(work, "overlay.json")
	if err := os.WriteFile(replacement, fixed, 0o666); err != nil {
		return err
	}
	text, _ := json.Marshal(map[string]any{"Replace": map[string]string{file: replacement}})
	if err := os.WriteFile(overlay, text, 0o666); err != nil {
		return err
	}
	mod := filepath.Join(work, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, name), data, 0o666); err != nil {
			return err
		}
	}
	const ours = "github.com/gosegue/upgrade"
	steps := [][]string{
		{"go", "mod", "edit", "-require=" + ours + "@v0.1.0", "-replace=" + ours + "=" + b.root, mod},
		{"go", "build", "-mod=mod", "-modfile=" + mod, "-overlay=" + overlay, "-o", os.DevNull, "./" + filepath.Dir(strings.TrimPrefix(file, dir+"/"))},
	}
	for _, step := range steps {
		if out, err := b.command(dir, nil, step[0], step[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %.1000s", err, out)
		}
	}
	return nil
}

// usage is the time and the memory that the processes of a tool took.
type usage struct {
	runs int
	time time.Duration // of all processes together
	wall time.Duration // of go vet, with all imports compiled
	peak int64         // of the largest process, in bytes
}

func (u usage) String() string {
	return fmt.Sprintf("%d runs, %.1f s, %.1f s in all, %d MiB", u.runs, u.time.Seconds(), u.wall.Seconds(), u.peak>>20)
}
