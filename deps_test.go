package upgrade_test

import (
	"encoding/json"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gosegue/upgrade"

// Imports only point down, and no package links one that it does not need.
func TestDependencies(t *testing.T) {
	tests := []struct {
		name    string
		imports string // the packages outside the standard library that it may import directly
		never   string // the packages of the standard library that it must not link
	}{
		{"", "", "net/http net fmt crypto/sha1 reflect os"},
		{"chunked", ". internal/octet", "net/http net fmt"},
		{"handshake", ". internal/headpool internal/octet internal/products internal/uri", "net/http net crypto/sha1"},
		{"head", ". internal/octet internal/uri", "net/http net crypto/sha1"},
		{"httpupgrade", ". handshake internal/earlyconn internal/extended internal/headpool internal/products internal/socket internal/uri", ""},
		{"internal/extended", ". handshake", "net/http net"},
		{"internal/socket", ". handshake websocket", "net/http net"},
		{"internal/octet", "", "net fmt strings"},
		{"internal/products", ".", "net/http net"},
		{"internal/uri", ". internal/octet", "net/http net net/url fmt"},
		{"netupgrade", ". chunked handshake head internal/earlyconn internal/headpool internal/octet internal/products internal/socket websocket", "net/http"},
		{"proxyupgrade", ". handshake httpupgrade internal/earlyconn internal/extended internal/uri websocket", ""},
		{"upgradetest", ". chunked handshake head internal/corpus testdata websocket", ""},
		{"websocket", ". handshake internal/octet internal/uri", "net/http net"},
	}
	for _, test := range tests {
		name := path.Join(module, test.name)
		var allowed []string
		for _, other := range strings.Fields(test.imports) {
			allowed = append(allowed, path.Join(module, other))
		}
		if test.name == "handshake" || test.name == "internal/headpool" {
			allowed = append(allowed, "github.com/valyala/bytebufferpool")
		}
		for _, imported := range strings.Fields(goTool(t, "list", "-f", `{{join .Imports " "}}`, name)) {
			first, _, _ := strings.Cut(imported, "/")
			if strings.Contains(first, ".") && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s", name, imported)
			}
		}
		deps := strings.Fields(goTool(t, "list", "-deps", name))
		if !slices.Contains(deps, name) {
			t.Errorf("%s is not listed", name)
		}
		for _, never := range strings.Fields(test.never) {
			if slices.Contains(deps, never) {
				t.Errorf("%s links %s", name, never)
			}
		}
	}
}

// This module requires two others, one of them only for tests.
func TestRequirements(t *testing.T) {
	var got []string
	for _, r := range readMod(t, "go.mod").Require {
		got = append(got, r.Path)
	}
	diff(t, "require", []string{"github.com/google/go-cmp", "github.com/valyala/bytebufferpool"}, got)
}

// The tool requires a version of this module, and go.work replaces that version with this
// directory. The go command would look for any other version on the network.
func TestToolRequiresReplacedVersion(t *testing.T) {
	const tool = "cmd/upgrade101/go.mod"
	if _, err := os.Stat(tool); err != nil {
		t.Skip("the tool is another module, which is not here")
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
		t.Error("the tool replaces a module, so go install refuses it")
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
