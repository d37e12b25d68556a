// Package analyzer provides upgradevet as a [golang.org/x/tools/go/analysis] Analyzer, for
// multichecker, golangci-lint and other drivers. The kinds of findings are in kind.go;
// docs/vet.md explains each.
//
// The analyzer reads syntax and types, not SSA form. It follows a value through the
// variables of its function and through functions of the same package, mostly without
// regard to the order of assignments. That is enough for code that reads a field and
// compares it, costs little, and works with any version of golang.org/x/tools. The
// analyzer needs no facts, so the go command need not analyse imported packages.
package analyzer

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// module is the path of the module whose packages replace the code that is found.
const module = "github.com/gosegue/upgrade"

// Analyzer reports code that reads Upgrade or Connection by hand, or takes a connection
// over by hand, and gets some request or response wrong. The Category of a diagnostic is
// the id of its kind. Files named *_test.go are skipped unless the flag "tests" is set:
// tests send and expect wrong input on purpose.
var Analyzer = &analysis.Analyzer{
	Name: "upgradevet",
	Doc:  doc(),
	URL:  "https://github.com/gosegue/upgrade/blob/main/docs/vet.md",
	Run:  run,
}

var tests bool

func init() {
	Analyzer.Flags.BoolVar(&tests, "tests", false, "analyse *_test.go files as well")
}

// checker holds what is known about one package.
type checker struct {
	pass  *analysis.Pass
	index *index
	quiet map[*types.Func]bool // functions that a Gate of ours calls

	function *ast.FuncDecl       // under analysis
	active   map[*ast.Ident]bool // uses of variables in it that are being evaluated

	steps int // taken to evaluate the current expression

	ignored map[string]bool // the result of elsewhere

	found  map[token.Pos]bool // faults reported where they stand
	inside []finding          // faults reported at a call, since they depend on its arguments
}

// finding is a diagnostic that has not been reported yet.
type finding struct {
	kind    *kind
	at      ast.Node
	text    string
	operand *operand // what a fix may replace, or nil
	fixes   []analysis.SuggestedFix
	inner   token.Pos // where the fault stands, if at is a call of the function with it
}

func run(pass *analysis.Pass) (any, error) {
	if pass.Pkg.Path() == module || strings.HasPrefix(pass.Pkg.Path(), module+"/") && !strings.HasPrefix(pass.Pkg.Path(), module+"/cmd/upgradevet/analyzer/testdata") {
		return nil, nil // the replacement itself
	}
	c := &checker{pass: pass, index: newIndex(pass), found: map[token.Pos]bool{}}
	c.quiet = c.index.behindGates()
	var all []finding
	for _, file := range pass.Files {
		if !tests && strings.HasSuffix(pass.Fset.File(file.FileStart).Name(), "_test.go") || ast.IsGenerated(file) {
			continue
		}
		for _, unit := range c.index.units(file) {
			function := unit.FuncDecl
			if c.index.usesUs(function.Body) {
				continue
			}
			if f, _ := pass.TypesInfo.Defs[function.Name].(*types.Func); c.quiet[f] {
				continue
			}
			c.function = function
			if c.index.touches(unit.within) {
				all = append(all, c.fields(function.Body, nil)...)
			}
			all = append(all, c.switches(function)...)
			all = append(all, c.takeovers(function)...)
			all = append(all, c.heads(function)...)
		}
	}
	for _, f := range c.inside {
		if !c.found[f.inner] {
			all = append(all, f)
		}
	}
	c.report(all)
	return nil, nil
}

// report reports the findings in source order, each kind once per place.
func (c *checker) report(all []finding) {
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Pos() < all[j].at.Pos() })
	type place struct {
		at   token.Pos
		kind *kind
	}
	seen := map[place]bool{}
	fixed := &fixed{map[token.Pos]bool{}, map[declared]bool{}}
	for _, f := range all {
		if p := (place{f.at.Pos(), f.kind}); seen[p] {
			continue
		} else {
			seen[p] = true
		}
		fixes := f.fixes
		if f.operand != nil && fixes == nil {
			fixes = c.fixCondition(f, all, fixed)
		}
		c.pass.Report(analysis.Diagnostic{
			Pos:            f.at.Pos(),
			End:            f.at.End(),
			Category:       f.kind.id,
			URL:            "#" + f.kind.id,
			Message:        f.text + " (" + f.kind.rule + ") [" + f.kind.id + "]",
			SuggestedFixes: fixes,
		})
	}
}
