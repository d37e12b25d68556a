package upgrade_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gosegue/upgrade"

// Imports point down only, and nobody links what they do not need.
func TestDependencies(t *testing.T) {
	const (
		pool    = "github.com/valyala/bytebufferpool"
		heads   = module + "/internal/headpool"
		gate    = module + "/handshake"
		socket  = module + "/websocket"
		early   = module + "/internal/earlyconn"
		adapter = module + "/httpupgrade"
		request = module + "/head"
		targets = module + "/internal/uri"
		raw     = module + "/netupgrade"
	)
	tests := []struct {
		name   string
		others []string // the packages outside the standard library that it may import
		never  []string // the packages of the standard library that it must not
	}{
		{module, nil, []string{"net/http", "net", "fmt", "crypto/sha1", "reflect", "os"}},
		{gate, []string{module, heads, pool}, []string{"net/http", "net", "crypto/sha1"}},
		{socket, []string{module, heads, pool, gate}, []string{"net/http", "net"}},
		{adapter, []string{module, heads, pool, early, gate, socket}, nil},
		{targets, []string{module}, []string{"net/http", "net", "net/url", "fmt"}},
		{request, []string{module, targets}, []string{"net/http", "net", "crypto/sha1"}},
		{raw, []string{module, heads, pool, early, gate, socket, request, targets}, []string{"net/http"}},
	}
	for _, test := range tests {
		deps := strings.Fields(goTool(t, "list", "-deps", test.name))
		if !slices.Contains(deps, test.name) {
			t.Errorf("%s is not listed", test.name)
		}
		for _, dep := range deps {
			first, _, _ := strings.Cut(dep, "/")
			other := strings.Contains(first, ".") && dep != test.name
			if other && !slices.Contains(test.others, dep) || slices.Contains(test.never, dep) {
				t.Errorf("%s imports %s", test.name, dep)
			}
		}
	}
}

// Importers get two modules with this one, one of them for tests alone.
func TestRequirements(t *testing.T) {
	var got []string
	for _, r := range readMod(t, "go.mod").Require {
		got = append(got, r.Path)
	}
	diff(t, "require", []string{"github.com/google/go-cmp", "github.com/valyala/bytebufferpool"}, got)
}

// The tool requires a version of this module that go.work replaces by this directory.
// Another one would be looked for on the network.
func TestToolRequiresWhatIsReplaced(t *testing.T) {
	const tool = "cmd/upgrade101/go.mod"
	if _, err := os.Stat(tool); err != nil {
		t.Skip("the tool is a module of its own, and not here")
	}
	var work struct {
		Replace []struct {
			Old, New struct{ Path, Version string }
		}
	}
	unmarshal(t, goTool(t, "work", "edit", "-json", "go.work"), &work)
	var replaced, required string
	for _, r := range work.Replace {
		if r.Old.Path == module && r.New.Path == "./" {
			replaced = r.Old.Version
		}
	}
	mod := readMod(t, tool)
	for _, r := range mod.Require {
		if r.Path == module {
			required = r.Version
		}
	}
	if replaced == "" || replaced != required {
		t.Errorf("go.work replaces %q, the tool requires %q", replaced, required)
	}
	if len(mod.Replace) > 0 {
		t.Error("the tool replaces a module, so that go install refuses it")
	}
}

type modFile struct {
	Require []struct{ Path, Version string }
	Replace []any
}

func readMod(t *testing.T, file string) modFile {
	t.Helper()
	var mod modFile
	unmarshal(t, goTool(t, "mod", "edit", "-json", file), &mod)
	return mod
}

func unmarshal(t *testing.T, text string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		t.Fatal(err)
	}
}
