// Package corpus reads the test cases under testdata, whose format stands in
// testdata/README.md. It is for tests only.
package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosegue/upgrade/internal/oracle"
)

// Text is octets: in JSON one code point for each, up to U+00FF.
type Text string

// UnmarshalJSON refuses code points that are no octet.
func (t *Text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	octets := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			return fmt.Errorf("U+%04X is no octet", r)
		}
		octets = append(octets, byte(r))
	}
	*t = Text(octets)
	return nil
}

// Lines are the lines of a field.
type Lines []Text

// Strings returns the lines as strings.
func (l Lines) Strings() []string {
	if l == nil {
		return nil
	}
	lines := make([]string, len(l))
	for i, line := range l {
		lines[i] = string(line)
	}
	return lines
}

// Bytes returns the lines as bytes.
func (l Lines) Bytes() [][]byte { return Bytes(l.Strings()) }

// Bytes returns lines as bytes.
func Bytes(lines []string) [][]byte {
	if lines == nil {
		return nil
	}
	all := make([][]byte, len(lines))
	for i, line := range lines {
		all[i] = []byte(line)
	}
	return all
}

// Product is a protocol, as ["IRC", "6.9"] or ["websocket"].
type Product []Text

// Products are those of a field. Nil is a case that does not say.
type Products []Product

// Oracle returns the products as the oracle has them.
func (p Products) Oracle() []oracle.Product {
	var products []oracle.Product
	for _, parts := range p {
		product := oracle.Product{Name: string(parts[0])}
		if len(parts) > 1 {
			product.Version = string(parts[1])
		}
		products = append(products, product)
	}
	return products
}

// check refuses what could not be the products of a field.
func (p Products) check() error {
	for _, parts := range p {
		if len(parts) < 1 || len(parts) > 2 {
			return errors.New("a product has a name and at most a version")
		}
		for _, part := range parts {
			if part == "" {
				return errors.New("a name or version is empty")
			}
		}
	}
	return nil
}

// Head is what every case has.
type Head struct {
	Name  string `json:"name"`
	Rule  string `json:"rule"`
	Issue string `json:"issue"`
}

// Fault is the error of a case, if it has one.
type Fault struct {
	Error  string `json:"error"`
	Field  string `json:"field"`
	Line   *int   `json:"line"`
	Offset *int   `json:"offset"`
}

// Oracle returns the fault as the oracle has it.
func (f Fault) Oracle() oracle.Fault {
	fault := oracle.Fault{Error: f.Error, Field: f.Field}
	if f.Line != nil {
		fault.Line, fault.Offset = *f.Line, *f.Offset
	}
	return fault
}

// syntax are the errors that have a place.
var syntax = map[string]bool{"ErrToken": true, "ErrVersion": true, "ErrDelimiter": true, "ErrNoElement": true}

func (f Fault) check() error {
	if placed := f.Line != nil && f.Offset != nil; placed != syntax[f.Error] || (f.Line == nil) != (f.Offset == nil) {
		return errors.New("line and offset belong to a malformed field, both of them")
	}
	return nil
}

// Upgrade is a case of upgrade.json.
type Upgrade struct {
	Head
	Lines    Lines    `json:"lines"`
	Products Products `json:"products"`
	Fault
}

// Check reports what the case lacks.
func (c Upgrade) Check() error {
	if (c.Products != nil) == (c.Error != "") || c.Field != "" {
		return errors.New("want products or an error")
	}
	return errors.Join(c.Products.check(), c.Fault.check())
}

// Connection is a case of connection.json.
type Connection struct {
	Head
	Lines      Lines           `json:"lines"`
	Options    Lines           `json:"options"`
	Persistent map[string]bool `json:"persistent"`
	Fault
}

// Check reports what the case lacks.
func (c Connection) Check() error {
	if (c.Options != nil) == (c.Error != "") || c.Field != "" {
		return errors.New("want options or an error")
	}
	return c.Fault.check()
}

// Request is a case of request.json.
type Request struct {
	Head
	Version    string   `json:"version"`
	Connection Lines    `json:"connection"`
	Upgrade    Lines    `json:"upgrade"`
	Supported  Lines    `json:"supported"`
	Products   Products `json:"products"`
	Select     Text     `json:"select"`
	Fault
}

// Check reports what the case lacks.
func (c Request) Check() error {
	offers := c.Error == "" || c.Error == "ErrNotSupported"
	if offers != (c.Products != nil) {
		return errors.New("want products or an error")
	}
	if (c.Select != "") != (c.Supported != nil && c.Error == "") {
		return errors.New("want select with supported, or an error")
	}
	if (c.Field != "") != syntax[c.Error] {
		return errors.New("want field with a malformed field")
	}
	return errors.Join(c.Products.check(), c.Fault.check())
}

// Response is a case of response.json: of the check of a client if it has a status,
// else of a response to be built.
type Response struct {
	Head
	Status     int      `json:"status"`
	Version    string   `json:"version"`
	Connection Lines    `json:"connection"`
	Upgrade    Lines    `json:"upgrade"`
	Offered    Lines    `json:"offered"`
	Products   Products `json:"products"`

	Build  int       `json:"build"`
	To     Lines     `json:"to"`
	Fields [][2]Text `json:"fields"`
	Bytes  Text      `json:"bytes"`
	Index  *int      `json:"index"`
	Fault
}

// Check reports what the case lacks.
func (c Response) Check() error {
	if c.Build == 0 {
		if (c.Products != nil) == (c.Error != "") || c.Status == 0 || c.Version == "" {
			return errors.New("want status, version, and products or an error")
		}
		return errors.Join(c.Products.check(), c.Fault.check())
	}
	if c.Status != 0 || c.Build != 101 && c.Build != 426 || (c.Bytes != "") == (c.Error != "") {
		return errors.New("want 101 or 426, and bytes or an error")
	}
	if c.Index != nil && (c.Error == "" || *c.Index < 0 || *c.Index >= len(c.Fields)) {
		return errors.New("want the index of the field in error")
	}
	return nil
}

// Capture is a case of captures.json. The name of its file is its name.
type Capture struct {
	File       string   `json:"file"`
	Rule       string   `json:"rule"`
	Version    string   `json:"version"`
	Status     int      `json:"status"`
	Connection Lines    `json:"connection"`
	Offered    Lines    `json:"offered"`
	Products   Products `json:"products"`
	Fault
}

// Check reports what the case lacks.
func (c Capture) Check() error {
	request := strings.HasSuffix(c.File, ".req")
	if request == (c.Status != 0) || request && c.Offered != nil || c.Version == "" || c.Connection == nil {
		return errors.New("want status with a response, and version and connection")
	}
	if (c.Products != nil) == (c.Error != "") {
		return errors.New("want products or an error")
	}
	return errors.Join(c.Products.check(), c.Fault.check())
}

func (c Capture) head() Head { return Head{Name: c.File, Rule: c.Rule} }

// Case is what Read reads.
type Case interface {
	Check() error
	head() Head
}

func (h Head) head() Head { return h }

// Read reads the cases of one file. It stops the test at a key it does not know, a
// case that lacks something, or a name that stands twice.
func Read[C Case](tb testing.TB, path ...string) []C {
	tb.Helper()
	file := filepath.Join(path...)
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	cases, err := parse[C](data)
	if err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return cases
}

func parse[C Case](data []byte) ([]C, error) {
	for _, c := range data {
		if c != '\n' && (c < ' ' || c > '~') {
			return nil, fmt.Errorf("octet %#x is not escaped", c)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var cases []C
	if err := decoder.Decode(&cases); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows the cases")
	}
	seen := make(map[string]bool)
	for _, c := range cases {
		head := c.head()
		if head.Name == "" || head.Rule == "" {
			return nil, fmt.Errorf("case %q lacks a name or a rule", head.Name)
		}
		if seen[head.Name] {
			return nil, fmt.Errorf("case %q stands twice", head.Name)
		}
		seen[head.Name] = true
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("case %q: %v", head.Name, err)
		}
	}
	return cases, nil
}

// Version reads an HTTP version: "1.1".
func Version(tb testing.TB, version string) (major, minor int) {
	tb.Helper()
	before, after, found := strings.Cut(version, ".")
	if !found {
		after = "0" // HTTP/2 and 3 have no minor version
	}
	major, err1 := strconv.Atoi(before)
	minor, err2 := strconv.Atoi(after)
	if err := errors.Join(err1, err2); err != nil {
		tb.Fatal(err)
	}
	return major, minor
}

// Captured is a message head: its first line, and the lines of any field.
type Captured struct {
	Start string
	lines [][2]string // the name in lower case, and the value
}

// ReadHead reads a recorded head, whose lines end in CRLF.
func ReadHead(tb testing.TB, path ...string) Captured {
	tb.Helper()
	file := filepath.Join(path...)
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	text, found := strings.CutSuffix(string(data), "\r\n\r\n")
	if !found {
		tb.Fatalf("%s does not end in an empty line", file)
	}
	start, rest, _ := strings.Cut(text, "\r\n")
	head := Captured{Start: start}
	for _, line := range strings.Split(rest, "\r\n") {
		if line == "" && rest == "" {
			break // a head of no fields
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			tb.Fatalf("%s: no colon in %q", file, line)
		}
		head.lines = append(head.lines, [2]string{oracle.Fold(name), strings.Trim(value, " \t")})
	}
	return head
}

// Field returns the lines of a field, by its name in lower case.
func (h Captured) Field(name string) []string {
	var values []string
	for _, line := range h.lines {
		if line[0] == name {
			values = append(values, line[1])
		}
	}
	return values
}
