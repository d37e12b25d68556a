package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
)

// This file knows the format of testdata/README.md of the root module: what the cases of
// a file ask, and how this build answers. It knows nothing of what is said about it.

// formats are the formats of a file, by its name without the ending.
var formats = map[string]reader{
	"upgrade":    read[*upgradeCase],
	"connection": read[*connectionCase],
	"request":    read[*requestCase],
	"response":   read[*responseCase],
	"captures":   read[*captureCase],
}

// reader reads and runs the cases of a file, the whole file or nothing. captures is the
// directory of the heads that cases may speak of.
type reader func(data []byte, captures string) ([]ran, error)

// ran is a case that has been run.
type ran struct {
	name      string
	want, got answer
}

// answer is the outcome of a case. Its keys are absent where they do not apply.
type answer struct {
	Connection []octets        `json:"connection,omitzero"`
	Products   [][]octets      `json:"products,omitzero"`
	Options    []octets        `json:"options,omitzero"`
	Persistent map[string]bool `json:"persistent,omitzero"`
	Select     octets          `json:"select,omitzero"`
	Bytes      octets          `json:"bytes,omitzero"`
	Error      string          `json:"error,omitzero"`
	Field      string          `json:"field,omitzero"`
	Line       *int            `json:"line,omitzero"`
	Offset     *int            `json:"offset,omitzero"`
	Index      *int            `json:"index,omitzero"`
}

// String returns the answer as JSON, in printable ASCII. Answers are equal if it is.
func (a answer) String() string {
	text, err := json.Marshal(a)
	if err != nil {
		return err.Error()
	}
	return string(asciiJSON(text))
}

// named is what every case has.
type named struct {
	Name  string `json:"name"`
	Rule  string `json:"rule"`
	Issue string `json:"issue"`
}

func (n named) name() (name, rule string) { return n.Name, n.Rule }

// testCase is a case of any format.
type testCase interface {
	name() (name, rule string)
	want() (answer, error)
	run(captures string) (answer, error)
}

// read reads and runs cases of one format.
func read[C testCase](data []byte, captures string) ([]ran, error) {
	cases, err := decode[C](data)
	if err != nil {
		return nil, err
	}
	var all []ran
	seen := make(map[string]bool)
	for i, c := range cases {
		name, rule := c.name()
		if name == "" || rule == "" || seen[name] {
			return nil, fmt.Errorf("case %d: want a rule, and a name of its own", i)
		}
		seen[name] = true
		want, err := c.want()
		if err != nil {
			return nil, fmt.Errorf("case %d: %w", i, err)
		}
		got, err := c.run(captures)
		if err != nil {
			return nil, fmt.Errorf("case %d: %w", i, err)
		}
		all = append(all, ran{name, want, got})
	}
	return all, nil
}

// decode reads an array of cases whose keys are all known.
func decode[C testCase](data []byte) ([]C, error) {
	for i, c := range data {
		if !isPrintable(c) && c != '\n' && c != '\r' && c != '\t' {
			return nil, fmt.Errorf("offset %d: want printable ASCII, and the rest escaped", i)
		}
	}
	// The decoder takes a key in any case for the one it knows.
	var keys []map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return nil, err
	}
	for i, object := range keys {
		for key := range object {
			if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz") != "" {
				return nil, fmt.Errorf("case %d: json: unknown field %q", i, key)
			}
		}
		if object == nil {
			return nil, fmt.Errorf("case %d: want an object", i)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var cases []C
	return cases, decoder.Decode(&cases)
}

// check reports what no answer may be.
func (a answer) check() error {
	for _, product := range a.Products {
		if len(product) < 1 || len(product) > 2 || slices.Contains(product, "") {
			return errors.New("want a product of a name and at most a version")
		}
	}
	placed := a.Line != nil && a.Offset != nil
	if placed != syntaxErrors[a.Error] || !placed && (a.Line != nil || a.Offset != nil) {
		return errors.New("want line and offset with a malformed field, and only there")
	}
	return nil
}

// syntaxErrors are the errors that have a place.
var syntaxErrors = map[string]bool{"ErrToken": true, "ErrVersion": true, "ErrDelimiter": true, "ErrNoElement": true}

// either returns an answer that has a result or else an error.
func either(a answer, result bool) (answer, error) {
	if result == (a.Error != "") {
		return a, errors.New("want a result or an error")
	}
	return a, a.check()
}

// upgradeCase asks for the products of an Upgrade field.
type upgradeCase struct {
	named
	Lines    []octets   `json:"lines"`
	Products [][]octets `json:"products"`
	faultCase
}

// faultCase is an error in a case.
type faultCase struct {
	Error  string `json:"error"`
	Line   *int   `json:"line"`
	Offset *int   `json:"offset"`
}

func (f faultCase) answer() answer { return answer{Error: f.Error, Line: f.Line, Offset: f.Offset} }

func (c *upgradeCase) want() (answer, error) {
	a := c.answer()
	a.Products = c.Products
	if c.Lines == nil {
		return a, errors.New("want lines")
	}
	return either(a, c.Products != nil)
}

func (c *upgradeCase) run(string) (answer, error) {
	list, err := upgrade.ParseList(asStrings(c.Lines)...)
	return answerOf(list, err)
}

// connectionCase asks for the options of a Connection field.
type connectionCase struct {
	named
	Lines      []octets        `json:"lines"`
	Options    []octets        `json:"options"`
	Persistent map[string]bool `json:"persistent"`
	faultCase
}

func (c *connectionCase) want() (answer, error) {
	a := c.answer()
	a.Options, a.Persistent = c.Options, c.Persistent
	if c.Lines == nil || c.Persistent != nil && c.Error != "" {
		return a, errors.New("want lines, and persistent only with options")
	}
	return either(a, c.Options != nil)
}

func (c *connectionCase) run(string) (answer, error) {
	connection, err := upgrade.ParseConnection(asStrings(c.Lines)...)
	if err != nil {
		return errorAnswer(err)
	}
	a := answer{Options: asOctets(slices.Collect(connection.All()))}
	for version := range c.Persistent {
		major, minor, err := readVersion(version)
		if err != nil {
			return a, err
		}
		if a.Persistent == nil {
			a.Persistent = make(map[string]bool)
		}
		a.Persistent[version] = connection.Persistent(major, minor)
	}
	return a, nil
}

// requestCase asks what a request offers, and which of it a server picks.
type requestCase struct {
	named
	Version    string     `json:"version"`
	Connection []octets   `json:"connection"`
	Upgrade    []octets   `json:"upgrade"`
	Supported  []octets   `json:"supported"`
	Products   [][]octets `json:"products"`
	Select     octets     `json:"select"`
	Field      string     `json:"field"`
	faultCase
}

func (c *requestCase) want() (answer, error) {
	a := c.answer()
	a.Products, a.Select, a.Field = c.Products, c.Select, c.Field
	switch {
	case c.Connection == nil || c.Upgrade == nil:
		return a, errors.New("want connection and upgrade")
	case (c.Select != "") != (c.Supported != nil && c.Error == ""):
		return a, errors.New("want select with supported, or an error")
	case (c.Field != "") != syntaxErrors[c.Error]:
		return a, errors.New("want field with a malformed field, and only there")
	case c.Error == "ErrNotSupported":
		if c.Products == nil {
			return a, errors.New("want products with ErrNotSupported")
		}
		return a, a.check()
	}
	return either(a, c.Products != nil)
}

func (c *requestCase) run(string) (answer, error) {
	major, minor, err := readVersion(c.Version)
	if err != nil {
		return answer{}, err
	}
	connection, offered := asStrings(c.Connection), asStrings(c.Upgrade)
	list, err := handshake.Offer(major, minor, connection, offered)
	if c.Supported == nil {
		return answerOf(list, err)
	}
	var a answer
	if err == nil {
		a.Products = asProducts(list)
	}
	supported, err := readProducts(c.Supported)
	if err != nil {
		return a, err
	}
	p, err := handshake.Select(major, minor, connection, offered, supported...)
	if err != nil {
		failed, err := errorAnswer(err)
		failed.Products = a.Products
		return failed, err
	}
	a.Select = octets(p.String())
	return a, nil
}

// responseCase asks whether a response switches, or for one to be built.
type responseCase struct {
	named
	Status     int        `json:"status"`
	Version    string     `json:"version"`
	Connection []octets   `json:"connection"`
	Upgrade    []octets   `json:"upgrade"`
	Offered    []octets   `json:"offered"`
	Products   [][]octets `json:"products"`
	Field      string     `json:"field"`

	Build  int        `json:"build"`
	To     []octets   `json:"to"`
	Fields [][]octets `json:"fields"`
	Bytes  octets     `json:"bytes"`
	Index  *int       `json:"index"`
	faultCase
}

func (c *responseCase) want() (answer, error) {
	a := c.answer()
	a.Products, a.Field, a.Bytes, a.Index = c.Products, c.Field, c.Bytes, c.Index
	if c.Build != 0 {
		if c.Build != 101 && c.Build != 426 || c.Status != 0 || c.To == nil || c.Fields == nil || c.Products != nil {
			return a, errors.New("want build of 101 or 426, to and fields, and no status")
		}
		for _, field := range c.Fields {
			if len(field) != 2 {
				return a, errors.New("want fields of a name and a value")
			}
		}
		return either(a, c.Bytes != "")
	}
	if c.Status == 0 || c.Connection == nil || c.Upgrade == nil || c.Offered == nil || c.Bytes != "" || c.Index != nil {
		return a, errors.New("want status, connection, upgrade and offered, or build")
	}
	return either(a, c.Products != nil)
}

func (c *responseCase) run(string) (answer, error) {
	if c.Build != 0 {
		return c.build()
	}
	major, minor, err := readVersion(c.Version)
	if err != nil {
		return answer{}, err
	}
	offered, err := readProducts(c.Offered)
	if err != nil {
		return answer{}, err
	}
	list, err := handshake.Switched(c.Status, major, minor, asStrings(c.Connection), asStrings(c.Upgrade), offered...)
	return answerOf(list, err)
}

func (c *responseCase) build() (answer, error) {
	to, err := readProducts(c.To)
	if err != nil {
		return answer{}, err
	}
	var fields []handshake.Field
	for _, f := range c.Fields {
		fields = append(fields, handshake.Field{Name: string(f[0]), Value: string(f[1])})
	}
	appendHead := handshake.AppendSwitchingProtocols
	if c.Build == 426 {
		appendHead = handshake.AppendUpgradeRequired
	}
	head, err := appendHead(nil, to, fields...)
	if err != nil {
		return errorAnswer(err)
	}
	return answer{Bytes: octets(head)}, nil
}

// captureCase asks for the same of a head in a file.
type captureCase struct {
	File       string     `json:"file"`
	Rule       string     `json:"rule"`
	Issue      string     `json:"issue"`
	Version    string     `json:"version"`
	Status     int        `json:"status"`
	Connection []octets   `json:"connection"`
	Offered    []octets   `json:"offered"`
	Products   [][]octets `json:"products"`
	Field      string     `json:"field"`
	faultCase
}

func (c *captureCase) name() (name, rule string) { return c.File, c.Rule }

func (c *captureCase) want() (answer, error) {
	a := c.answer()
	a.Connection, a.Products, a.Field = c.Connection, c.Products, c.Field
	if c.Connection == nil || (c.Status == 0) == (c.Offered != nil) {
		return a, errors.New("want connection, and offered with a status")
	}
	return either(a, c.Products != nil)
}

func (c *captureCase) run(captures string) (answer, error) {
	// A name with a path could make this read any file.
	if c.File != filepath.Base(c.File) {
		return answer{}, errors.New("want a file in the directory captures")
	}
	file, err := os.Open(filepath.Join(captures, c.File))
	if err != nil {
		return answer{}, withoutPath(err)
	}
	defer file.Close()
	lines, err := readHead(file)
	if err != nil || len(lines) == 0 {
		return answer{}, errors.Join(err, errors.New("want a head in the file"))
	}
	m, f, _ := parseHead(lines)
	major, minor, err := readVersion(c.Version)
	if f != nil || err != nil || m.status != c.Status || m.major != major || m.minor != minor {
		return answer{}, errors.New("want a head of this version and status in the file")
	}
	connection, err := upgrade.ParseConnection(values(m.connection)...)
	if err != nil {
		return errorAnswer(err)
	}
	var list upgrade.List[string]
	if c.Status == 0 {
		list, err = handshake.Offer(major, minor, values(m.connection), values(m.upgrade))
	} else {
		offered, err2 := readProducts(c.Offered)
		if err2 != nil {
			return answer{}, err2
		}
		list, err = handshake.Switched(c.Status, major, minor, values(m.connection), values(m.upgrade), offered...)
	}
	a, err := answerOf(list, err)
	a.Connection = asOctets(slices.Collect(connection.All()))
	return a, err
}

// answerOf returns what the list and error of a parser say.
func answerOf(list upgrade.List[string], err error) (answer, error) {
	if err != nil {
		return errorAnswer(err)
	}
	return answer{Products: asProducts(list)}, nil
}

func asProducts(list upgrade.List[string]) [][]octets {
	products := [][]octets{}
	for p := range list.All() {
		product := []octets{octets(p.Name())}
		if p.Version() != "" {
			product = append(product, octets(p.Version()))
		}
		products = append(products, product)
	}
	return products
}

// errorAnswer returns what an error of this build is in the format.
func errorAnswer(err error) (answer, error) {
	var (
		a        answer
		field    *handshake.FieldError
		syntax   *upgrade.SyntaxError
		response *handshake.ResponseError
	)
	if errors.As(err, &field) {
		a.Field = field.Field
	}
	if errors.As(err, &response) {
		a.Index = &response.Index
	}
	if errors.As(err, &syntax) {
		a.Error, a.Line, a.Offset = reasonName(syntax.Reason), &syntax.Line, &syntax.Offset
		return a, nil
	}
	for _, e := range []struct {
		err  error
		name string
	}{
		{handshake.ErrHTTPVersion, "ErrHTTPVersion"},
		{handshake.ErrNoUpgrade, "ErrNoUpgrade"},
		{handshake.ErrNoOption, "ErrNoOption"},
		{handshake.ErrNotSupported, "ErrNotSupported"},
		{handshake.ErrStatus, "ErrStatus"},
		{handshake.ErrNotOffered, "ErrNotOffered"},
		{handshake.ErrNoProduct, "ErrNoProduct"},
		{handshake.ErrFieldName, "ErrFieldName"},
		{handshake.ErrFieldValue, "ErrFieldValue"},
		{handshake.ErrReserved, "ErrReserved"},
	} {
		if errors.Is(err, e.err) {
			a.Error = e.name
			return a, nil
		}
	}
	return a, err
}

// readVersion reads a version of HTTP, such as 1.1 or 2.
func readVersion(version string) (major, minor int, err error) {
	switch {
	case len(version) == len("2") && matchLen(version, "0") == 1:
		return digits(version), 0, nil
	case len(version) == len("1.1") && matchLen(version, "0.0") == 3:
		return digits(version[:1]), digits(version[2:]), nil
	}
	return 0, 0, errors.New("want a version of HTTP, such as 1.1 or 2")
}

// readProducts reads products, of which "" is none.
func readProducts(texts []octets) ([]upgrade.Product[string], error) {
	products := []upgrade.Product[string]{}
	for _, text := range texts {
		if text == "" {
			products = append(products, upgrade.Product[string]{})
			continue
		}
		p, err := upgrade.ParseProduct(string(text))
		if err != nil {
			return nil, fmt.Errorf("want a product: %w", err)
		}
		products = append(products, p)
	}
	return products, nil
}
