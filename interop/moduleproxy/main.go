// Command moduleproxy writes the files that a file proxy serves of a module: the list of
// its versions, and the info, go.mod and zip of one.
//
//	moduleproxy PROXY TREE DIR VERSION
//
// PROXY is the directory of the proxy, TREE the root of the repository, and DIR the module's
// directory within it. The zip follows the rules of the go command, which limit names and
// sizes and leave out nested modules. A module without a licence first gets the root's.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 5 {
		log.Fatal("usage: moduleproxy PROXY TREE DIR VERSION")
	}
	if err := write(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		log.Fatalf("%s: %v", os.Args[3], err)
	}
}

func write(proxy, tree, dir, version string) error {
	source := filepath.Join(tree, dir)
	gomod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		return err
	}
	m := module.Version{Path: modfile.ModulePath(gomod), Version: version}
	if err := module.Check(m.Path, m.Version); err != nil {
		return err
	}
	if err := licence(tree, source); err != nil {
		return err
	}
	var content bytes.Buffer
	if err := zip.CreateFromDir(&content, m, source); err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{version, time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}

	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	to := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": info,
		version + ".mod":  gomod,
		version + ".zip":  content.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(to, name), data, 0o666); err != nil {
			return err
		}
	}
	log.Printf("%s %s: %d KiB", m.Path, version, content.Len()>>10)
	return nil
}

// licence copies the licence of the repository into a module that has none.
func licence(tree, source string) error {
	to := filepath.Join(source, "LICENSE")
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(tree, "LICENSE"))
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o666)
}
