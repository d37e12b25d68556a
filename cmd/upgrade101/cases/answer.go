package cases

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/cmd/upgrade101/explain"
	"github.com/gosegue/upgrade/cmd/upgrade101/text"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
)

// This file knows what a case asks, and how this build answers it.

// Answer is what a case wants, or what this build answers. Keys that do not apply are
// absent.
type Answer struct {
	Connection []text.Octets   `json:"connection,omitzero"`
	Products   [][]text.Octets `json:"products,omitzero"`
	Options    []text.Octets   `json:"options,omitzero"`
	Persistent map[string]bool `json:"persistent,omitzero"`
	Select     text.Octets     `json:"select,omitzero"`
	Bytes      text.Octets     `json:"bytes,omitzero"`
	Error      string          `json:"error,omitzero"`
	Field      string          `json:"field,omitzero"`
	Line       *int            `json:"line,omitzero"`
	Offset     *int            `json:"offset,omitzero"`
	Index      *int            `json:"index,omitzero"`
}

// String returns the answer as JSON, in printable ASCII. Answers are equal if their
// Strings are.
func (a Answer) String() string {
	j, err := json.Marshal(a)
	if err != nil {
		return err.Error()
	}
	return string(text.ASCII(j))
}

// wanted returns the part of a wanted answer that all formats have.
func wanted(f corpus.Fault, products corpus.Products) Answer {
	a := Answer{Error: f.Error, Field: f.Field, Line: f.Line, Offset: f.Offset}
	if products != nil {
		a.Products = [][]text.Octets{}
	}
	for _, p := range products {
		a.Products = append(a.Products, text.AllOctets(p))
	}
	return a
}

// answerUpgrade answers a case of upgrade.json: which products a field has.
func answerUpgrade(c corpus.Upgrade, _ string) (want, got Answer, err error) {
	got, err = answerOf(upgrade.ParseList(c.Lines.Strings()...))
	return wanted(c.Fault, c.Products), got, err
}

// answerConnection answers a case of connection.json: which options a field has.
func answerConnection(c corpus.Connection, _ string) (want, got Answer, err error) {
	want = wanted(c.Fault, nil)
	if c.Options != nil {
		want.Options = text.AllOctets(c.Options)
	}
	want.Persistent = c.Persistent
	connection, err := upgrade.ParseConnection(c.Lines.Strings()...)
	if err != nil {
		got, err = errorAnswer(err)
		return want, got, err
	}
	got.Options = text.AllOctets(slices.Collect(connection.All()))
	if c.Persistent != nil {
		got.Persistent = make(map[string]bool)
	}
	for version := range c.Persistent {
		major, minor, err := corpus.ParseVersion(version)
		if err != nil {
			return want, got, err
		}
		got.Persistent[version] = connection.Persistent(major, minor)
	}
	return want, got, nil
}

// answerRequest answers a case of request.json: what a request offers, and which product a
// server selects.
func answerRequest(c corpus.Request, _ string) (want, got Answer, err error) {
	want = wanted(c.Fault, c.Products)
	want.Select = text.Octets(c.Select)
	major, minor, err := corpus.ParseVersion(c.Version)
	if err != nil {
		return want, got, err
	}
	connection, offered := c.Connection.Strings(), c.Upgrade.Strings()
	list, err := handshake.Offer(major, minor, connection, offered)
	if c.Supported == nil {
		got, err = answerOf(list, err)
		return want, got, err
	}
	supported, parseErr := readProducts(c.Supported)
	if parseErr != nil {
		return want, got, parseErr
	}
	p, selectErr := handshake.Select(major, minor, connection, offered, supported...)
	if selectErr != nil {
		got, selectErr = errorAnswer(selectErr)
	}
	if err == nil {
		got.Products = productsOf(list)
	}
	got.Select = text.Octets(p.String())
	return want, got, selectErr
}

// answerResponse answers a case of response.json: whether a response switches, or the
// octets of a response to build.
func answerResponse(c corpus.Response, _ string) (want, got Answer, err error) {
	want = wanted(c.Fault, c.Products)
	want.Bytes, want.Index = text.Octets(c.Bytes), c.Index
	if c.Build != 0 {
		got, err = build(c)
		return want, got, err
	}
	got, err = switched(c.Status, c.Version, c.Connection.Strings(), c.Upgrade.Strings(), c.Offered)
	return want, got, err
}

// switched returns the products to which a response switches, or the error.
func switched(status int, version string, connection, chosen []string, offered corpus.Lines) (Answer, error) {
	major, minor, err := corpus.ParseVersion(version)
	if err != nil {
		return Answer{}, err
	}
	products, err := readProducts(offered)
	if err != nil {
		return Answer{}, err
	}
	return answerOf(handshake.Switched(status, major, minor, connection, chosen, products...))
}

// build builds the head of a response.
func build(c corpus.Response) (Answer, error) {
	to, err := readProducts(c.To)
	if err != nil {
		return Answer{}, err
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
	return Answer{Bytes: text.Octets(head)}, nil
}

// answerCapture answers a case of captures.json: what a head in a file offers, or whether
// it switches. captures is the directory of the file.
func answerCapture(c corpus.Capture, captures string) (want, got Answer, err error) {
	want = wanted(c.Fault, c.Products)
	want.Connection = text.AllOctets(c.Connection)
	data, err := os.ReadFile(filepath.Join(captures, c.File))
	if err != nil {
		return want, got, fmt.Errorf("captures/%s: %w", c.File, withoutPath(err))
	}
	head, err := corpus.ParseHead(data)
	if err != nil {
		return want, got, err
	}
	start := fmt.Sprintf("HTTP/%s %d ", c.Version, c.Status)
	if !strings.HasPrefix(head.Start, start) && (c.Status != 0 || !strings.HasSuffix(head.Start, " HTTP/"+c.Version)) {
		return want, got, errors.New("want a head of this version and status in the file")
	}
	lines, offered := head.Field("connection"), head.Field("upgrade")
	connection, err := upgrade.ParseConnection(lines...)
	if err != nil {
		got, err = errorAnswer(err)
		return want, got, err
	}
	if c.Status == 0 {
		var major, minor int
		if major, minor, err = corpus.ParseVersion(c.Version); err == nil {
			got, err = answerOf(handshake.Offer(major, minor, lines, offered))
		}
	} else {
		got, err = switched(c.Status, c.Version, lines, offered, c.Offered)
	}
	got.Connection = text.AllOctets(slices.Collect(connection.All()))
	return want, got, err
}

// answerOf returns the result of a parser as an answer.
func answerOf(list upgrade.List[string], err error) (Answer, error) {
	if err != nil {
		return errorAnswer(err)
	}
	return Answer{Products: productsOf(list)}, nil
}

func productsOf(list upgrade.List[string]) [][]text.Octets {
	products := [][]text.Octets{}
	for p := range list.All() {
		product := []text.Octets{text.Octets(p.Name())}
		if p.Version() != "" {
			product = append(product, text.Octets(p.Version()))
		}
		products = append(products, product)
	}
	return products
}

// errorAnswer returns an error of this build as an answer. It returns err if the format has
// no name for it.
func errorAnswer(err error) (Answer, error) {
	var (
		a        Answer
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
		a.Error, a.Line, a.Offset = explain.ReasonName(syntax.Reason), &syntax.Line, &syntax.Offset
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

// readProducts parses each line as a product. An empty line is the zero Product.
func readProducts(lines corpus.Lines) ([]upgrade.Product[string], error) {
	products := []upgrade.Product[string]{}
	for _, line := range lines.Strings() {
		if line == "" {
			products = append(products, upgrade.Product[string]{})
			continue
		}
		p, err := upgrade.ParseProduct(line)
		if err != nil {
			return nil, fmt.Errorf("want a product: %w", err)
		}
		products = append(products, p)
	}
	return products, nil
}
