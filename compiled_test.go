package upgrade_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// goTool runs the go command and returns all it prints.
func goTool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// compiled returns what the compiler reports with this flag when it compiles the generic
// code of the package for both kinds of text.
func compiled(t *testing.T, flag string) string {
	t.Helper()
	out := goTool(t, "build", "-gcflags="+flag, "./testdata/instances")
	if !strings.Contains(out, ".go:") {
		t.Fatalf("the compiler prints nothing with %s:\n%s", flag, out)
	}
	return out
}

// remark is what the compiler reports about a line.
type remark struct {
	file string
	line int
	text string
}

var remarkLine = regexp.MustCompile(`(?m)^\./(\w+\.go):(\d+):\d+: (.*)$`)

func remarks(t *testing.T, out string) []remark {
	t.Helper()
	var all []remark
	for _, match := range remarkLine.FindAllStringSubmatch(out, -1) {
		line, err := strconv.Atoi(match[2])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, remark{match[1], line, match[3]})
	}
	return all
}

// source is the place of a function of the package, and the calls in it.
type source struct {
	file        string
	first, last int
	calls       map[string][]int // lines of the calls, by the name of the function called
}

func (s source) has(r remark) bool {
	return s.file == r.file && s.first <= r.line && r.line <= s.last
}

// sources returns the functions of the package by name, without methods.
func sources(t *testing.T) map[string]source {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]source)
	fset := token.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(fset, file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			calls := make(map[string][]int)
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if name, ok := call.Fun.(*ast.Ident); ok {
						calls[name.Name] = append(calls[name.Name], fset.Position(call.Lparen).Line)
					}
				}
				return true
			})
			all[f.Name.Name] = source{file, fset.Position(f.Pos()).Line, fset.Position(f.End()).Line, calls}
		}
	}
	return all
}

// scans are the functions that look at every octet; checks are the loops built from them.
var (
	scans  = []string{"tokenEnd", "elementStart", "elementEnd", "versionEnd"}
	checks = []string{"checkProducts", "checkOptions"}
	shapes = []string{"go.shape.string", "go.shape.[]uint8"}
)
