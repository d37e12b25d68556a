// Package corpus reads the test cases under testdata. It knows their format, which
// testdata/README.md describes, and what each case must have. It does not know how a
// case is run. Tests read the cases, and so does the command upgrade101.
package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gosegue/upgrade/internal/octet"
)

// Text is a sequence of octets: in JSON one code point each, up to U+00FF.
type Text string

// UnmarshalJSON refuses code points that are not octets.
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

// Products are the products of a field. They are nil if the case does not give them.
type Products []Product

// check returns nil if a field can have these products.
func (p Products) check() error {
	for _, product := range p {
		if len(product) < 1 || len(product) > 2 || slices.Contains(product, "") {
			return errors.New("want a product with a name and at most one version")
		}
	}
	return nil
}

// Pair is the name and the value of a field.
type Pair [2]Text

// UnmarshalJSON refuses an array of another length, which encoding/json would cut or fill.
func (p *Pair) UnmarshalJSON(data []byte) error {
	var texts []Text
	if err := json.Unmarshal(data, &texts); err != nil {
		return err
	}
	if len(texts) != 2 {
		return errors.New("want fields of a name and a value")
	}
	*p = Pair(texts)
	return nil
}

// Head holds the keys that every case has.
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

// syntax holds the errors that have a line and an offset.
var syntax = map[string]bool{"ErrToken": true, "ErrVersion": true, "ErrDelimiter": true, "ErrNoElement": true}

func (f Fault) check() error {
	if placed := f.Line != nil && f.Offset != nil; placed != syntax[f.Error] || (f.Line == nil) != (f.Offset == nil) {
		return errors.New("want line and offset with a malformed field, and only there")
	}
	return nil
}

// either returns nil if a case has a result or an error, but not both.
func (f Fault) either(result bool) error {
	if result == (f.Error != "") {
		return errors.New("want a result or an error")
	}
	return f.check()
}

// named returns nil if a case names a field exactly when a field is malformed.
func (f Fault) named() error {
	if (f.Field != "") != syntax[f.Error] {
		return errors.New("want field with a malformed field, and only there")
	}
	return nil
}

// unnamed returns nil if a case names no field, because only one can be at fault.
func (f Fault) unnamed() error {
	if f.Field != "" {
		return errors.New("want no field: there is only one")
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

// Check returns nil if the case is complete, or what it lacks.
func (c Upgrade) Check() error {
	if c.Lines == nil {
		return errors.New("want lines")
	}
	return errors.Join(c.either(c.Products != nil), c.unnamed(), c.Products.check())
}

// Connection is a case of connection.json.
type Connection struct {
	Head
	Lines      Lines           `json:"lines"`
	Options    Lines           `json:"options"`
	Persistent map[string]bool `json:"persistent"`
	Fault
}

// Check returns nil if the case is complete, or what it lacks.
func (c Connection) Check() error {
	if c.Lines == nil || c.Persistent != nil && c.Error != "" {
		return errors.New("want lines, and persistent only with options")
	}
	for version := range c.Persistent {
		if _, _, err := ParseVersion(version); err != nil {
			return err
		}
	}
	return errors.Join(c.either(c.Options != nil), c.unnamed())
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

// Check returns nil if the case is complete, or what it lacks.
func (c Request) Check() error {
	if c.Connection == nil || c.Upgrade == nil {
		return errors.New("want connection and upgrade")
	}
	if (c.Select != "") != (c.Supported != nil && c.Error == "") {
		return errors.New("want select with supported, or an error")
	}
	_, _, err := ParseVersion(c.Version)
	if c.Error == "ErrNotSupported" {
		if c.Products == nil || c.Supported == nil {
			return errors.New("want products and supported with ErrNotSupported")
		}
		return errors.Join(err, c.named(), c.check(), c.Products.check())
	}
	return errors.Join(err, c.either(c.Products != nil), c.named(), c.Products.check())
}

// Response is a case of response.json. With a status it is about the client's check of a
// response; otherwise about a response that a server builds.
type Response struct {
	Head
	Status     int      `json:"status"`
	Version    string   `json:"version"`
	Connection Lines    `json:"connection"`
	Upgrade    Lines    `json:"upgrade"`
	Offered    Lines    `json:"offered"`
	Products   Products `json:"products"`

	Build  int    `json:"build"`
	To     Lines  `json:"to"`
	Fields []Pair `json:"fields"`
	Bytes  Text   `json:"bytes"`
	Index  *int   `json:"index"`
	Fault
}

// Check returns nil if the case is complete, or what it lacks.
func (c Response) Check() error {
	if c.Build == 0 {
		if c.Status == 0 || c.Connection == nil || c.Upgrade == nil || c.Offered == nil || c.Bytes != "" || c.Index != nil {
			return errors.New("want status, connection, upgrade and offered, or build")
		}
		_, _, err := ParseVersion(c.Version)
		return errors.Join(err, c.either(c.Products != nil), c.named(), c.Products.check())
	}
	if c.Build != 101 && c.Build != 426 || c.Status != 0 || c.To == nil || c.Fields == nil || c.Products != nil {
		return errors.New("want build of 101 or 426, to and fields, and no status")
	}
	if c.Index != nil && (c.Error == "" || *c.Index < 0 || *c.Index >= len(c.Fields)) {
		return errors.New("want the index of the field in error")
	}
	return c.either(c.Bytes != "")
}

// Chunked is a case of chunked.json, in chunked/testdata.
type Chunked struct {
	Head
	Octets  Text   `json:"octets"`
	Content *Text  `json:"content"`
	Error   string `json:"error"`
	Offset  *int   `json:"offset"`
}

// Check returns nil if the case is complete, or what it lacks.
func (c Chunked) Check() error {
	if (c.Content != nil) == (c.Error != "") || (c.Error != "") != (c.Offset != nil) {
		return errors.New("want content, or an error and its offset")
	}
	return nil
}

// Capture is a case of captures.json. The name of its file is its name.
type Capture struct {
	File       string   `json:"file"`
	Rule       string   `json:"rule"`
	Issue      string   `json:"issue"`
	Version    string   `json:"version"`
	Status     int      `json:"status"`
	Connection Lines    `json:"connection"`
	Offered    Lines    `json:"offered"`
	Products   Products `json:"products"`
	Fault
}

// Check returns nil if the case is complete, or what it lacks.
func (c Capture) Check() error {
	request := strings.HasSuffix(c.File, ".req")
	if request == (c.Status != 0) || request == (c.Offered != nil) || c.Connection == nil {
		return errors.New("want connection; also status and offered for a response, but not for a request")
	}
	// A name with a path could make its reader open any file.
	if c.File != filepath.Base(c.File) {
		return errors.New("want a file in the directory captures")
	}
	_, _, err := ParseVersion(c.Version)
	return errors.Join(err, c.either(c.Products != nil), c.named(), c.Products.check())
}

func (c Capture) head() Head { return Head{Name: c.File, Rule: c.Rule} }

// Case is a case of any file.
type Case interface {
	// Check returns nil if the case is complete, or what it lacks.
	Check() error
	head() Head
}

func (h Head) head() Head { return h }

// NameOf returns the name of a case, unique in its file.
func NameOf(c Case) string { return c.head().Name }

// Decode reads the cases of one file, all of them or none. It fails for an unknown key, an
// incomplete case, a name used twice, or an octet that the file must escape. The error names
// the case by its index, from 0.
func Decode[C Case](data []byte) ([]C, error) {
	for i, c := range data {
		if (c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t' {
			return nil, fmt.Errorf("offset %d: want printable ASCII, and the rest escaped", i)
		}
	}
	if err := checkKeys(data); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var cases []C
	if err := decoder.Decode(&cases); err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	for i, c := range cases {
		head := c.head()
		if head.Name == "" || head.Rule == "" || seen[head.Name] {
			return nil, fmt.Errorf("case %d: want a rule and a unique name", i)
		}
		seen[head.Name] = true
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("case %d: %w", i, err)
		}
	}
	return cases, nil
}

// checkKeys returns nil if data is an array of objects whose keys have only small letters.
// Any other key is unknown, but encoding/json would ignore its case.
func checkKeys(data []byte) error {
	var objects []map[string]json.RawMessage
	if err := json.Unmarshal(data, &objects); err != nil {
		return err
	}
	for i, object := range objects {
		if object == nil {
			return fmt.Errorf("case %d: want an object", i)
		}
		for key := range object {
			if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz") != "" {
				return fmt.Errorf("case %d: json: unknown field %q", i, key)
			}
		}
	}
	return nil
}

// ParseVersion reads an HTTP version, such as 1.1 or 2.
func ParseVersion(version string) (major, minor int, err error) {
	before, after, found := strings.Cut(version, ".")
	if !found {
		after = "0" // HTTP/2 and 3 have no minor version
	}
	major, err1 := strconv.Atoi(before)
	minor, err2 := strconv.Atoi(after)
	if err1 != nil || err2 != nil || len(before) != 1 || len(after) != 1 {
		return 0, 0, errors.New("want a version of HTTP, such as 1.1 or 2")
	}
	return major, minor, nil
}

// Captured is a recorded message head: its first line, and the lines of any field.
type Captured struct {
	Start string
	lines [][2]string // the name, and the value
}

// ParseHead reads a recorded head, whose lines end in CRLF.
func ParseHead(data []byte) (Captured, error) {
	text, found := strings.CutSuffix(string(data), "\r\n\r\n")
	if !found {
		return Captured{}, errors.New("want a head that ends in an empty line")
	}
	start, rest, more := strings.Cut(text, "\r\n")
	head := Captured{Start: start}
	for more {
		var line string
		line, rest, more = strings.Cut(rest, "\r\n")
		name, value, found := strings.Cut(line, ":")
		if !found {
			return Captured{}, fmt.Errorf("no colon in %q", line)
		}
		head.lines = append(head.lines, [2]string{name, strings.Trim(value, " \t")})
	}
	return head, nil
}

// Field returns the lines of a field, by its name in lower case.
func (h Captured) Field(name string) []string {
	var values []string
	for _, line := range h.lines {
		if octet.EqualFold(line[0], name) {
			values = append(values, line[1])
		}
	}
	return values
}

// TB is the part of testing.TB that the helpers for tests need.
type TB interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Read reads the cases of one file for a test. It stops the test if Decode fails.
func Read[C Case](tb TB, path ...string) []C {
	tb.Helper()
	cases, err := Decode[C](readFile(tb, path))
	if err != nil {
		tb.Fatalf("%s: %v", filepath.Join(path...), err)
	}
	return cases
}

// ReadHead reads a recorded head for a test. It stops the test if ParseHead fails.
func ReadHead(tb TB, path ...string) Captured {
	tb.Helper()
	head, err := ParseHead(readFile(tb, path))
	if err != nil {
		tb.Fatalf("%s: %v", filepath.Join(path...), err)
	}
	return head
}

// Version reads an HTTP version for a test. It stops the test if ParseVersion fails.
func Version(tb TB, version string) (major, minor int) {
	tb.Helper()
	major, minor, err := ParseVersion(version)
	if err != nil {
		tb.Fatal(err)
	}
	return major, minor
}

func readFile(tb TB, path []string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
